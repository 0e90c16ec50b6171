//! A server that does not play by the rules, against the client as it is, over sockets.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use shared::{
    clock::Clock,
    credentials::ClientSecret,
    graph::{Graph, GraphError, transport},
    settings::Settings,
};

use crate::support::now;

const TOKEN: &str = r#"{"access_token":"x.y.z","expires_in":3600}"#;

/// The body that is read at most, and what lies in the buffers on the way.
const MOST_SENT: u64 = 48 << 20;

type Answer = Arc<dyn Fn(&mut dyn Write) -> std::io::Result<()> + Send + Sync>;

struct Server {
    address: String,
    sent: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
}

/// Counts what goes through.
struct Counting<'a>(TcpStream, &'a AtomicU64);

impl Write for Counting<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.0.write(bytes)?;
        self.1.fetch_add(written as u64, Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Server {
    fn start(
        login: &str,
        answer: impl Fn(&mut dyn Write) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sent, connections): (Arc<AtomicU64>, Arc<AtomicU64>) = Default::default();
        let (answer, login): (Answer, String) = (Arc::new(answer), ok(login));
        let server = Self { address, sent: Arc::clone(&sent), connections: Arc::clone(&connections) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                connections.fetch_add(1, Relaxed);
                let (sent, answer, login) = (Arc::clone(&sent), Arc::clone(&answer), login.clone());
                // Whoever is hung up on has nothing to add.
                thread::spawn(move || _ = serve(stream, &sent, &login, &*answer));
            }
        });
        server
    }

    async fn ask(&self, patience: Duration) -> GraphError {
        let lookup = |name: &str| {
            Some(match name {
                "AZURE_TENANT_ID" => "6babcaad-604b-40ac-a9d7-9fd97c0b779f".to_owned(),
                "AZURE_CLIENT_ID" => "0f1c2f34-9d6f-4d3e-8d6a-2f7c1b0a9e55".to_owned(),
                "AZURE_CLIENT_SECRET" => "secret".to_owned(),
                "AZURE_AUTHORITY_HOST" | "GRAPH_ENDPOINT" => self.address.clone(),
                "PREVIEW_ENABLED_AT" => "2026-02-01T00:00:00Z".to_owned(),
                "PREVIEW_DISABLED_AT" => "2026-03-01T00:00:00Z".to_owned(),
                _ => return None,
            })
        };
        let (settings, secret) = (Settings::read(lookup).unwrap(), ClientSecret::read(lookup).unwrap());
        let transport = transport::network(&settings.endpoints.graph).unwrap();
        let graph = Graph::new(&settings, Arc::new(secret), transport, Clock::from_fn(now));
        graph.begin_invocation(Some(now() + patience));
        let user = "fd741069-6bb6-43de-a515-1c401dd377bf".parse().unwrap();
        let begun = Instant::now();
        let error = graph.user(&user).await.unwrap_err();
        assert!(begun.elapsed() < patience + Duration::from_secs(5), "{:?}", begun.elapsed());
        let text = error.to_string();
        assert!(text.len() < 300 && !text.contains(|c: char| c.is_control()), "{text:?}");
        error
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// One request, one answer: the sign-in's, or the one that is hostile.
fn serve(
    stream: TcpStream,
    sent: &AtomicU64,
    login: &str,
    answer: &dyn Fn(&mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let (mut line, mut length, mut first) = (String::new(), 0, String::new());
        while reader.read_line(&mut line)? > 2 {
            if first.is_empty() {
                first.clone_from(&line);
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        if first.is_empty() {
            return Ok(());
        }
        std::io::copy(&mut std::io::Read::take(&mut reader, length), &mut std::io::sink())?;
        if first.starts_with("POST") {
            (&stream).write_all(login.as_bytes())?;
        } else {
            return answer(&mut Counting(stream, sent));
        }
    }
}

const LONG: Duration = Duration::from_mins(1);

fn is_too_large(error: &GraphError) -> bool {
    error.to_string().contains("an answer of more than 32 MiB")
}

#[tokio::test]
async fn a_body_of_two_gigabytes_is_not_read_to_its_end() {
    let server = Server::start(TOKEN, |out| {
        write!(out, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 2_u64 << 30)?;
        for _ in 0..2 << 10 {
            out.write_all(&vec![b' '; 1 << 20])?;
        }
        Ok(())
    });
    let error = server.ask(LONG).await;
    assert!(is_too_large(&error), "{error}");
    assert!(server.sent.load(Relaxed) < MOST_SENT, "{}", server.sent.load(Relaxed));
}

#[tokio::test]
async fn nor_is_one_that_is_two_gigabytes_when_unpacked() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..2 << 10 {
        packed.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 4 << 20, "{}", packed.len());
    let server = Server::start(TOKEN, move |out| {
        write!(out, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len())?;
        out.write_all(&packed)
    });
    let error = server.ask(LONG).await;
    assert!(is_too_large(&error), "{error}");
}

#[tokio::test]
async fn an_answer_that_never_ends_is_given_up_in_time() {
    let server = Server::start(TOKEN, |out| {
        write!(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        loop {
            write!(out, "1\r\n \r\n")?;
            out.flush()?;
            thread::sleep(Duration::from_millis(100));
        }
    });
    let error = server.ask(Duration::from_secs(2)).await;
    assert!(error.comes_back() && error.to_string().contains("timed out"), "{error}");
}

#[tokio::test]
async fn headers_that_never_end_are_given_up() {
    let server = Server::start(TOKEN, |out| {
        write!(out, "HTTP/1.1 200 OK\r\n")?;
        loop {
            write!(out, "X-More: {}\r\n", "x".repeat(1000))?;
        }
    });
    let error = server.ask(Duration::from_secs(4)).await;
    assert!(error.comes_back(), "{error}");
    assert!(server.sent.load(Relaxed) < MOST_SENT, "{}", server.sent.load(Relaxed));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Server::start(TOKEN, |out| out.write_all(ok("{}").as_bytes()));
        let to = elsewhere.address.clone();
        let server = Server::start(TOKEN, move |out| {
            write!(out, "HTTP/1.1 {status} Go\r\nLocation: {to}/v1.0/users/x\r\nContent-Length: 0\r\n\r\n")
        });
        let error = server.ask(LONG).await;
        assert_eq!(error.to_string(), format!("refused with {status} (no code)"));
        assert_eq!(elsewhere.connections.load(Relaxed), 0);
    }
}

#[tokio::test]
async fn json_of_great_depth_is_refused() {
    let body = "[".repeat(1 << 20);
    for body in [format!("{{\"id\":{body}"), format!("{{\"error\":{body}"), body] {
        let server = Server::start(TOKEN, move |out| out.write_all(ok(&body).as_bytes()));
        let error = server.ask(Duration::from_secs(3)).await;
        assert!(error.comes_back() || matches!(error, GraphError::Unreadable { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_token_without_a_life_is_refused() {
    for (life, cause) in [
        ("", "says no expiry"),
        (r#","expires_in":null"#, "says no expiry"),
        (r#","expires_in":-1"#, "holds no access token"),
        (r#","expires_in":1e400"#, "holds no access token"),
        (r#","expires_in":0"#, "leaves no time"),
        (r#","expires_in":5"#, "leaves no time"),
    ] {
        let server = Server::start(&format!(r#"{{"access_token":"x.y.z"{life}}}"#), |out| {
            out.write_all(ok("{}").as_bytes())
        });
        let error = server.ask(LONG).await;
        assert!(error.is_no_sign_in() && error.to_string().contains(cause), "{life}: {error}");
    }
}
