//! Requests that schemathesis makes up from the description: good ones, and bad ones of every kind.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use super::Deployment;
use crate::support::{doubles::Double, python};

/// How many requests: `MFA_ROLLBACK_REQUESTS=2000` makes up as many.
#[expect(clippy::disallowed_methods, reason = "it is a setting of the test")]
fn requests() -> usize {
    std::env::var("MFA_ROLLBACK_REQUESTS").map_or(300, |number| number.parse().unwrap())
}

/// Every answer is one of the description, none is a server's error, and whatever is refused is a problem.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_made_up_are_answered_as_described() {
    let deployment = Deployment::new(Double::Ministack, &[("MODE", "enforce")]).await;
    let folder = tempfile::tempdir().unwrap();
    let cassette = folder.path().join("requests.ndjson");
    let requests = requests();
    // As many examples of each operation come to about twenty times as many requests.
    let examples = (requests / 18).to_string();
    let mut command = Command::new(python::schemathesis());
    command
        .current_dir(folder.path())
        .arg("--config-file")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/end_to_end/on_demand/schemathesis.toml"))
        .args(["run", concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/openapi.yaml")])
        .args(["--url", &deployment.gateway.url()])
        .args(["--header", "Authorization: AWS4-HMAC-SHA256 Credential=test"])
        .args(["--max-examples", &examples, "--workers", "2", "--continue-on-failure"])
        .args(["--report", "har", "--report-har-path"])
        .arg(&cassette);
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}{}", String::from_utf8_lossy(&ended.stderr));
    let answers = answers(&cassette);
    println!("{} requests", answers.len());
    assert!(answers.len() >= requests, "{} requests", answers.len());
    assert!(deployment.gateway.served() >= requests);
    for (request, status, content_type) in &answers {
        assert!(*status < 500, "{request}: {status}");
        let expected = if *status < 400 { "application/json" } else { "application/problem+json" };
        assert_eq!(content_type, expected, "{request}: {status}");
    }
    // Whatever they asked for, the rules held. A second message for a user stays away for minutes.
    let mapping = deployment.world.mapping();
    loop {
        let batch = mapping.receive().await;
        if batch.is_empty() {
            break;
        }
        mapping.deliver(&batch, &deployment.drains[1]).await;
    }
    deployment.world.assert_safe();
    for function in [&deployment.poll, &deployment.drains[0], &deployment.drains[1]] {
        assert_eq!(function.starts(), 1, "{} died", function.name());
    }
}

/// Request, status and content type of each.
fn answers(cassette: &Path) -> Vec<(String, u64, String)> {
    let har: Value = serde_json::from_slice(&fs::read(cassette).unwrap()).unwrap();
    let each = har["log"]["entries"].as_array().unwrap().iter().map(|entry| {
        let (request, response) = (&entry["request"], &entry["response"]);
        let header = response["headers"].as_array().unwrap().iter();
        let mut types =
            header.filter(|header| header["name"].as_str().unwrap().eq_ignore_ascii_case("content-type"));
        let content_type = types.next().map(|header| header["value"].as_str().unwrap().to_owned());
        let name = format!("{} {}", request["method"], request["url"]);
        (name, response["status"].as_u64().unwrap(), content_type.unwrap_or_default())
    });
    each.collect()
}
