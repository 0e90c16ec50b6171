//! A function: the real binary in a sandbox with the Lambda runtime API.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use super::{REGION, runtime_api::RuntimeApi};

/// Why an invocation has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FunctionError {
    /// The function answered with an error.
    #[error("the function failed: {0}")]
    Failed(Value),
    /// Its process ended or was killed before it answered.
    #[error("the process ended in the middle")]
    Died,
    /// It took longer than it may, and its process was killed, as Lambda does.
    #[error("timed out")]
    TimedOut,
    /// Its answer is no JSON.
    #[error("an unreadable answer: {0}")]
    Unreadable(String),
}

/// A function with one sandbox. An invocation starts the process if none is there. Clones are the
/// same function.
#[derive(Debug, Clone)]
pub struct Function {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    binary: PathBuf,
    env: Mutex<BTreeMap<String, String>>,
    timeout: Arc<Mutex<Duration>>,
    folder: TempDir,
    process: Mutex<Option<Child>>,
    starts: Mutex<usize>,
    /// Held while an invocation runs: a sandbox has one at a time.
    api: tokio::sync::Mutex<Option<RuntimeApi>>,
}

impl Function {
    /// The binary runs with this environment, what Lambda adds to it, and nothing else.
    pub fn new(name: &str, binary: impl AsRef<Path>, env: BTreeMap<String, String>) -> Self {
        let inner = Inner {
            name: name.to_owned(),
            binary: binary.as_ref().to_owned(),
            env: Mutex::new(env),
            timeout: Arc::new(Mutex::new(Duration::from_mins(2))),
            folder: tempfile::tempdir().unwrap(),
            process: Mutex::default(),
            starts: Mutex::default(),
            api: tokio::sync::Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// So long may an invocation take from now on.
    pub fn set_timeout(&self, timeout: Duration) {
        *self.inner.timeout.lock().unwrap() = timeout;
    }

    /// Sets a variable for the processes that are started from now on.
    pub fn set_env(&self, name: &str, value: &str) {
        self.inner.env.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    /// Invokes it; another invocation that is under way is waited for.
    pub async fn invoke(&self, event: &Value) -> Result<Value, FunctionError> {
        let mut api = self.inner.api.lock().await;
        if api.as_ref().is_none_or(RuntimeApi::is_stale) {
            self.kill();
            *api = None;
            *api = Some(RuntimeApi::start(&self.inner.name, Arc::clone(&self.inner.timeout)).await);
        }
        let api = api.as_ref().unwrap();
        if !self.is_running() {
            self.start(api);
        }
        let timeout = *self.inner.timeout.lock().unwrap();
        let answer = tokio::select! {
            biased;
            answer = api.invoke(event) => answer.map_err(|_| FunctionError::Died)?,
            () = self.ended() => return Err(FunctionError::Died),
            // The deadline is reckoned from when the process takes the event.
            () = tokio::time::sleep(timeout + Duration::from_millis(500)) => {
                self.kill();
                return Err(FunctionError::TimedOut);
            }
        };
        let (status, body) = answer;
        let unreadable = |_| FunctionError::Unreadable(String::from_utf8_lossy(&body).into_owned());
        let body = serde_json::from_slice(&body).map_err(unreadable)?;
        if status.is_success() { Ok(body) } else { Err(FunctionError::Failed(body)) }
    }

    fn start(&self, api: &RuntimeApi) {
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let mut command = Command::new(&self.inner.binary);
        command.env_clear().envs(&*self.inner.env.lock().unwrap()).envs([
            ("AWS_LAMBDA_RUNTIME_API", api.address().to_string().as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", &self.inner.name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{}", self.inner.name)),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "tests"),
            ("AWS_DEFAULT_REGION", REGION),
        ]);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        *self.inner.process.lock().unwrap() = Some(command.spawn().expect("the binary starts"));
        *self.inner.starts.lock().unwrap() += 1;
    }

    /// Ends its process with SIGKILL, at whatever point. It may be called from any thread.
    pub fn kill(&self) {
        self.inner.kill();
    }

    /// Kills it: the next invocation finds a new process, as after a deployment.
    pub fn restart(&self) {
        self.kill();
    }

    /// How many processes there have been.
    pub fn starts(&self) -> usize {
        *self.inner.starts.lock().unwrap()
    }

    pub fn is_running(&self) -> bool {
        let mut process = self.inner.process.lock().unwrap();
        process.as_mut().is_some_and(|process| process.try_wait().unwrap().is_none())
    }

    async fn ended(&self) {
        while self.is_running() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn log(&self) -> PathBuf {
        self.inner.folder.path().join("log")
    }

    /// What all its processes have written to standard output and error.
    pub fn logs(&self) -> String {
        fs::read(self.log()).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
    }

    /// Its log lines that are JSON objects.
    pub fn log_lines(&self) -> Vec<Value> {
        self.logs()
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(Value::is_object)
            .collect()
    }

    /// The memory that its process holds now (Linux only).
    pub fn resident_bytes(&self) -> u64 {
        self.status_bytes("VmRSS:")
    }

    /// The most that its process has held so far (Linux only).
    pub fn peak_resident_bytes(&self) -> u64 {
        self.status_bytes("VmHWM:")
    }

    fn status_bytes(&self, field: &str) -> u64 {
        let process = self.inner.process.lock().unwrap().as_ref().expect("it is running").id();
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

impl Inner {
    fn kill(&self) {
        if let Some(mut process) = self.process.lock().unwrap().take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.kill();
    }
}
