//! The command line against a stack: signed requests, and what a person sees.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
    time::SystemTime,
};

use serde_json::Value;
use simulator::Part;

use super::Deployment;
use crate::support::{doubles::Double, gateway::Gateway, sigv4::Caller};

const CALLER: Caller = Caller {
    key_id: "ASIAEXAMPLE",
    secret: "the secret key of the tests",
    token: Some("the session's token"),
    region: "eu-west-1",
    arn: "arn:aws:sts::123456789012:assumed-role/Identity/grady",
};

/// Another person's role; the tests' credentials are the same.
const LEAD: Caller = Caller { arn: "arn:aws:sts::123456789012:assumed-role/Leads/grady", ..CALLER };

/// The command line's binary, which is another package's: as `cargo test` of the workspace left it, or built where
/// a source is younger.
fn binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let folder = PathBuf::from(crate::POLL).parent().unwrap().to_owned();
        let binary = folder.join("mfa-rollback");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let sources = ["Cargo.lock", "cli/src", "shared/src", "simulator/src"];
        let youngest = sources.into_iter().map(|source| written(&root.join(source))).max();
        if !binary.exists() || Some(written(&binary)) < youngest {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "-p", "mfa-rollback", "--bin", "mfa-rollback", "--target-dir"]);
            let built = cargo.arg(folder.parent().unwrap()).output().unwrap();
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        }
        binary
    })
}

/// When a file, or the youngest in a folder, was written.
fn written(path: &Path) -> SystemTime {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap().map(|entry| written(&entry.unwrap().path()));
        return entries.max().unwrap_or(SystemTime::UNIX_EPOCH);
    }
    fs::metadata(path).unwrap().modified().unwrap()
}

/// A deployment behind a gateway that checks signatures.
struct Stack {
    deployment: Deployment,
    gateway: Gateway,
}

impl Stack {
    async fn new(more: &[(&str, &str)]) -> Self {
        let deployment = Deployment::new(Double::Ministack, more).await;
        let drains = [&deployment.drains[0], &deployment.drains[1]];
        let gateway = Gateway::with(&[&deployment.poll], &drains, |request| CALLER.authorize(request)).await;
        Self { deployment, gateway }
    }

    /// The same stack, asked by another caller.
    async fn asked_by(mut self, caller: &'static Caller) -> Self {
        let drains = [&self.deployment.drains[0], &self.deployment.drains[1]];
        self.gateway =
            Gateway::with(&[&self.deployment.poll], &drains, |request| caller.authorize(request)).await;
        self
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, CALLER.secret).await
    }

    async fn run_with(&self, arguments: &[&str], secret: &str) -> Output {
        let mut command = Command::new(binary());
        command
            .env_clear()
            .envs([
                ("AWS_ACCESS_KEY_ID", CALLER.key_id),
                ("AWS_SECRET_ACCESS_KEY", secret),
                ("AWS_SESSION_TOKEN", CALLER.token.unwrap()),
                ("AWS_REGION", CALLER.region),
            ])
            .args(arguments)
            .args(["--stack", &self.gateway.url()]);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--format", "json"]].concat()).await;
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_is_run_and_looked_at_from_the_command_line() {
    let stack = Stack::new(&[("MODE", "enforce")]).await;
    let deployment = &stack.deployment;
    let found = stack.json(&["run"]).await;
    assert!(found["candidates"].as_u64().unwrap() > 20 && found["complete"] == true, "{found}");
    deployment.drain().await;
    deployment.world.assert_safe();
    deployment.world.assert_as_expected(&deployment.world.outcomes().await);
    let status = stack.json(&["status"]).await;
    assert_eq!(status["mode"], "enforce");
    let report = stack.json(&["report"]).await;
    let counted: u64 =
        status["counts"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(report.as_array().unwrap().len() as u64, counted);
    let held = stack.json(&["report", "--held"]).await;
    assert!(held.as_array().unwrap().iter().all(|line| line["outcome"] == "held"));
    let name = &deployment.world.of(Part::Guest).user_principal_name;
    let explained = stack.json(&["explain", name]).await;
    assert_eq!(
        explained["decision"]["verdict"], "held(external)",
        "by a name with an encoded sign in the path"
    );
    let diagnosed = stack.json(&["diagnose", name, "--symptom", "cannot-add", "--method", "phone"]).await;
    assert_eq!(diagnosed["complaints"][0]["method"], "phone", "{diagnosed}");
    let findings = diagnosed["complaints"][0]["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["step"] == "method_enabled"), "{diagnosed}");
    let guest = deployment.of(Part::Guest);
    let released = stack.json(&["release", &guest, "--reason", "asked them"]).await;
    assert_eq!(released["lifted"][0], "external");
    let opened = stack.json(&["brake", "open", "--reason", "looking"]).await;
    assert_eq!(opened["brake"], "open");
    let status = stack.json(&["status"]).await;
    assert_eq!(status["brake"]["last_move"]["who"], CALLER.arn);
    assert_eq!(stack.json(&["redrive"]).await["redriven"], 0);
    let shown = stack.run(&["doctor"]).await;
    assert!(String::from_utf8_lossy(&shown.stdout).contains("ledger"), "{}", said(&shown));
}

/// As many users as there are, in requests that the stack takes, and each bad line by its own number.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_file_is_sent_in_parts() {
    let stack = Stack::new(&[]).await;
    let early = stack.run(&["rollback", "--path", "/dev/null"]).await;
    assert_eq!(early.status.code(), Some(1), "{}", said(&early));
    stack.json(&["run"]).await;
    let before = stack.deployment.world.mapping().left().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.txt");
    let mut lines: Vec<String> = (0..1_200).map(|n| format!("11111111-1111-1111-1111-{n:012}")).collect();
    lines[700] = "nobody".to_owned();
    lines.push("stranger@contoso.example".to_owned());
    lines.push(stack.deployment.world.of(Part::Phone).user_principal_name.clone());
    fs::write(&file, lines.join("\n")).unwrap();
    let output = stack.run(&["rollback", "--path", file.to_str().unwrap(), "--format", "json"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let taken: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(taken["accepted"], 1_200, "{taken}");
    assert!(said(&output).contains("users.txt:701: "), "{}", said(&output));
    assert!(said(&output).contains("users.txt:1201: nobody in this tenant"), "{}", said(&output));
    // A part that is sent again, because its answer took too long, wakes its users again.
    assert!(stack.deployment.world.mapping().left().await >= before + 1_200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stack_refuses_is_said_with_what_to_do() {
    let stack = Stack::new(&[]).await;
    let refused = stack.run_with(&["status"], "another key").await;
    assert_eq!(refused.status.code(), Some(3));
    assert!(said(&refused).contains("execute-api:Invoke"), "{}", said(&refused));
    let mode = stack.run(&["run", "--mode", "enforce"]).await;
    assert_eq!(mode.status.code(), Some(2));
    assert!(said(&mode).contains("the parameter Mode of its deployment"), "{}", said(&mode));
    let yes = stack.run(&["run", "--yes"]).await;
    assert_eq!((yes.status.code(), said(&yes).contains("--yes")), (Some(2), true), "{}", said(&yes));
    let names = stack.run(&["report", "--names"]).await;
    assert_eq!((names.status.code(), said(&names).contains("explain")), (Some(2), true), "{}", said(&names));
    let nobody = stack.run(&["release", "11111111-1111-1111-1111-111111111111", "--reason", "x"]).await;
    assert_eq!((nobody.status.code(), said(&nobody).contains("nothing is on record")), (Some(1), true));
    let demo = stack.run(&["demo"]).await;
    assert_eq!(demo.status.code(), Some(2), "{}", said(&demo));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_make_and_approve_a_plan_from_the_command_line() {
    let stack = Stack::new(&[("MODE", "enforce"), ("REQUIRE_APPROVAL", "always")]).await;
    stack.json(&["run"]).await;
    stack.deployment.drain().await;
    let made = stack.json(&["plan", "make"]).await;
    let hash = made["hash"].as_str().unwrap().to_owned();
    let shown = stack.json(&["plan", "show"]).await;
    assert_eq!(shown["plan"], made);
    assert_eq!(made["users"], shown["users"].as_array().unwrap().len());
    let own = stack.run(&["plan", "approve", &hash, "--reason", "mine"]).await;
    assert_eq!(own.status.code(), Some(1));
    assert!(said(&own).contains("second person") && !said(&own).contains("execute-api"), "{}", said(&own));
    let stack = stack.asked_by(&LEAD).await;
    let approved = stack.json(&["plan", "approve", &hash, "--reason", "read", "--first", "2"]).await;
    assert_eq!((&approved["approved"], &approved["approvers_missing"]), (&2.into(), &0.into()));
    stack.deployment.drain().await;
    let journal = stack.deployment.world.tenant.journal();
    let gone: std::collections::BTreeSet<_> =
        journal.iter().filter(|entry| entry.method == "DELETE").filter_map(|entry| entry.user).collect();
    assert_eq!(gone.len(), 2);
    let next = stack.json(&["plan", "make"]).await;
    let diff = stack.json(&["plan", "diff", &hash]).await;
    assert_eq!(diff["removed"].as_array().unwrap().len(), 2, "{diff}");
    let listed = stack.json(&["plan", "list"]).await;
    assert_eq!((&listed[0]["hash"], &listed[1]["approved"][0]["who"]), (&next["hash"], &LEAD.arn.into()));
    let table = stack.run(&["plan", "show", &hash]).await;
    assert!(String::from_utf8_lossy(&table.stdout).contains("users would be rolled back"));
    stack.deployment.world.assert_safe();
}
