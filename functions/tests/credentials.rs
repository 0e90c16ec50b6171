//! Signing in, by role, by certificate and by secret: what works, what is said where it does not, that
//! a rotation needs no deployment, and that no log line ever holds what is signed in with.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use simulator::{Certificate, FederatedCredential, Options};

use crate::{
    DRAIN, POLL,
    support::{
        doubles::{Double, Service},
        faults,
        lambda::Function,
        proxy::{Moment, Reaction},
        web_identity,
        world::World,
    },
};

const CERTIFICATE: &str = include_str!("../../simulator/tests/data/test-certificate.pem");
const KEY: &str = include_str!("../../simulator/tests/data/test-certificate-key.pem");
const NEXT_CERTIFICATE: &str = include_str!("../../simulator/tests/data/test-next-certificate.pem");
const NEXT_KEY: &str = include_str!("../../simulator/tests/data/test-next-certificate-key.pem");

const GET_SECRET: &str = "SecretsManager.GetSecretValue";
const GET_TOKEN: &str = "STS.GetWebIdentityToken";

/// A tenant, and functions that sign in to it in one way, with every log line on.
struct Case {
    world: World,
    /// The ARN of the secret, where there is one.
    secret: String,
    poll: Function,
    drain: Function,
}

impl Case {
    async fn new(
        credential: &str,
        stored: Option<&str>,
        seed: u64,
        trust: impl FnOnce(&mut Options),
    ) -> Self {
        let world = World::with(Service::shared(Double::Ministack), 40, seed, trust).await;
        let secret = match stored {
            Some(stored) => world.stack.secret(stored).await,
            None => String::new(),
        };
        let env = [
            ("MODE", "enforce"),
            ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
            ("GRAPH_CREDENTIAL", credential),
            ("GRAPH_CREDENTIAL_SECRET_ARN", &secret),
        ];
        let (poll, drain) = (world.function("poll", POLL, &env), world.function("drain", DRAIN, &env));
        Self { world, secret, poll, drain }
    }

    async fn federated(seed: u64, trusted: FederatedCredential) -> Self {
        let case =
            Self::new("federated", None, seed, |options| options.federated_credentials = vec![trusted]).await;
        case.sts_answers();
        case
    }

    async fn certificate(stored: &str, seed: u64) -> Self {
        let trusted = vec![Certificate::from_pem(CERTIFICATE).unwrap()];
        Self::new("certificate", Some(stored), seed, |options| options.certificates = trusted).await
    }

    async fn secret(seed: u64) -> Self {
        let trust = |options: &mut Options| "sim~first".clone_into(&mut options.client_secret);
        Self::new("secret", Some("sim~first"), seed, trust).await
    }

    fn sts_answers(&self) {
        self.world.proxy.on_request(|moment, call| match (moment, call.operation.as_str()) {
            (Moment::Before, GET_TOKEN) => Reaction::Answer(web_identity::answer(call)),
            _ => Reaction::Pass,
        });
    }

    async fn store(&self, value: &str) {
        let request = self.world.stack.secrets.put_secret_value().secret_id(&self.secret);
        request.secret_string(value).send().await.unwrap();
    }

    async fn poll(&self) -> Result<Value, String> {
        let event = json!({ "source": "aws.scheduler" });
        self.poll.invoke(&event).await.map_err(|error| error.to_string())
    }

    async fn poll_works(&self) {
        let answer = self.poll().await.unwrap_or_else(|error| panic!("{error}\n{}", self.poll.logs()));
        assert_eq!(answer["complete"], true, "{answer}");
        assert!(self.poll.logs().contains("poll finished"));
    }

    /// A poll that fails, and says all of this in its error and in its log. However many parts of it
    /// want a token: what is refused is asked for once more at the most, in case it was rotated.
    async fn poll_fails(&self, said: &[&str]) {
        let before = self.asked();
        let error = self.poll().await.unwrap_err();
        let lines = self.poll.log_lines();
        let line = lines.iter().rfind(|line| line["message"] == "poll failed").unwrap();
        assert_eq!(line["level"], "ERROR");
        for said in said {
            assert!(error.contains(said), "{error}");
            assert!(line["error"].as_str().unwrap().contains(said), "{line}");
        }
        self.asked_no_more_than_twice_since(before);
    }

    /// How often AWS was asked for a credential, and the tenant for a token.
    fn asked(&self) -> (usize, usize) {
        let journal = self.world.tenant.journal();
        let sign_ins = journal.iter().filter(|entry| entry.path.contains("/oauth2/v2.0/token"));
        (self.calls(GET_SECRET) + self.calls(GET_TOKEN), sign_ins.count())
    }

    fn asked_no_more_than_twice_since(&self, before: (usize, usize)) {
        let now = self.asked();
        let (aws, tenant) = (now.0 - before.0, now.1 - before.1);
        assert!(aws <= 2 && tenant <= 2, "AWS was asked {aws} times, the tenant {tenant} times");
    }

    fn calls(&self, operation: &str) -> usize {
        self.world.proxy.calls().iter().filter(|call| call.operation == operation).count()
    }

    /// Neither what is named here nor any token or PEM is in the logs.
    fn logs_tell_nothing(&self, secrets: &[&str]) {
        let logs = self.poll.logs() + &self.drain.logs();
        assert!(!logs.is_empty());
        assert_eq!(tells(&logs, secrets), None);
    }
}

/// A line that holds one of these secrets, a token or a piece of PEM.
fn tells<'a>(logs: &'a str, secrets: &[&str]) -> Option<&'a str> {
    let pem = [CERTIFICATE, KEY, NEXT_CERTIFICATE, NEXT_KEY];
    let pem: Vec<&str> = pem.iter().flat_map(|pem| pem.lines()).filter(|line| line.len() > 20).collect();
    // JWTs begin with the first of these, and so does their second part.
    let forms = ["eyJ", "-----BEGIN", "client_secret=", "client_assertion=", "Bearer "];
    let told = [&pem, &forms[..], secrets].concat();
    logs.lines().find(|line| told.iter().any(|told| line.contains(told)))
}

#[test]
fn a_log_line_that_tells_a_secret_is_found() {
    let lines = KEY.lines().nth(3).into_iter().chain(["a eyJhbGciOi.eyJpc.x", "is sim~first", "Bearer x"]);
    for line in lines {
        let logs = format!("{{\"level\":\"INFO\"}}\n{line}\n");
        assert_eq!(tells(&logs, &["sim~"]), Some(line));
    }
    assert_eq!(tells("it must hold BEGIN CERTIFICATE and BEGIN PRIVATE KEY", &["sim~"]), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_signs_in_once_and_no_secret_is_read() {
    let case = Case::federated(31, web_identity::credential()).await;
    case.poll_works().await;
    case.poll_works().await;
    let batch = case.world.mapping().receive().await;
    assert_eq!(case.world.mapping().deliver(&batch, &case.drain).await.returned, 0);
    assert_eq!((case.calls(GET_TOKEN), case.calls(GET_SECRET)), (2, 0), "each function once");
    case.logs_tell_nothing(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sts_refuses_is_said_with_what_to_do_and_mended_without_a_deployment() {
    let refusals = [
        ("AccessDenied", ["sts:GetWebIdentityToken", "role"]),
        (
            "OutboundWebIdentityFederationDisabledException",
            ["not enabled in this AWS account", "aws iam enable-outbound-web-identity-federation"],
        ),
    ];
    let case = Case::federated(32, web_identity::credential()).await;
    for (code, said) in refusals {
        case.world.proxy.on_request(move |moment, call| match (moment, call.operation.as_str()) {
            (Moment::Before, GET_TOKEN) => Reaction::Answer(faults::of_sts(StatusCode::FORBIDDEN, code)),
            _ => Reaction::Pass,
        });
        case.poll_fails(&said).await;
    }
    case.sts_answers();
    case.poll_works().await;
    assert_eq!(case.poll.starts(), 1);
    case.logs_tell_nothing(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_the_app_does_not_trust_is_said_and_mended_without_a_deployment() {
    let mut other = web_identity::credential();
    other.subject = "arn:aws:iam::000000000000:role/another-role".to_owned();
    let case = Case::federated(33, other).await;
    case.poll_fails(&["AADSTS700213", "the ARN of the function's role"]).await;
    case.world.tenant.set_federated_credentials(vec![web_identity::credential()]);
    case.poll_works().await;
    assert_eq!(case.poll.starts(), 1);
    case.logs_tell_nothing(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_rotated_without_a_deployment() {
    let case = Case::certificate(&format!("{CERTIFICATE}{KEY}"), 34).await;
    case.poll_works().await;
    case.poll_works().await;
    assert_eq!(case.asked(), (1, 1));
    case.world.tenant.set_certificates(vec![Certificate::from_pem(NEXT_CERTIFICATE).unwrap()]);
    case.store(&format!("{NEXT_KEY}{NEXT_CERTIFICATE}")).await;
    case.poll_works().await;
    assert_eq!(case.asked(), (1, 1), "its token is still good");
    case.world.tenant.revoke_tokens();
    case.poll_works().await;
    assert_eq!(case.asked(), (2, 3), "once in vain");
    assert_eq!(case.poll.starts(), 1);
    case.logs_tell_nothing(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_certificate_with_its_key_is_said_without_showing_it() {
    let broken = KEY.replace("MII", "!!hunter2!!");
    let stored = [
        (CERTIFICATE.to_owned(), "holds no key"),
        (format!("{CERTIFICATE}{}", KEY.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")), "holds no key"),
        (KEY.to_owned(), "holds no certificate"),
        (format!("{CERTIFICATE}{broken}"), "is not PEM"),
        ("hunter2 is no PEM".to_owned(), "is not PEM"),
    ];
    let case = Case::certificate("hunter2", 35).await;
    case.poll_fails(&["GRAPH_CREDENTIAL_SECRET_ARN", "is not PEM", "BEGIN CERTIFICATE"]).await;
    for (stored, said) in stored {
        case.store(&stored).await;
        case.poll_fails(&["GRAPH_CREDENTIAL_SECRET_ARN", said]).await;
    }
    assert_eq!(case.asked().1, 0, "nothing went to the tenant");
    case.store(&format!("{CERTIFICATE}{KEY}")).await;
    case.poll_works().await;
    assert_eq!(case.poll.starts(), 1);
    case.logs_tell_nothing(&["hunter2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_secret_is_rotated_without_a_deployment() {
    let case = Case::secret(36).await;
    case.poll_works().await;
    assert_eq!(case.asked(), (1, 1));
    case.world.tenant.set_client_secret("sim~second");
    case.store("sim~second").await;
    case.world.tenant.revoke_tokens();
    case.poll_works().await;
    assert_eq!(case.asked(), (2, 3), "once in vain");
    assert_eq!(case.poll.starts(), 1);
    case.logs_tell_nothing(&["sim~", "sim%7E"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_secrets_manager_refuses_is_said_with_what_to_do_and_mended_without_a_deployment() {
    let case = Case::secret(37).await;
    case.world.proxy.on_request(|moment, call| match (moment, call.operation.as_str()) {
        (Moment::Before, GET_SECRET) => Reaction::Answer(faults::denied()),
        _ => Reaction::Pass,
    });
    case.poll_fails(&["AccessDeniedException", "GRAPH_CREDENTIAL_SECRET_ARN", "role's policy"]).await;
    case.world.proxy.pass_all();
    case.poll_works().await;
    assert_eq!(case.poll.starts(), 1);
    case.logs_tell_nothing(&["sim~", "sim%7E"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_secret_that_stays_wrong_every_message_comes_back_and_nothing_is_deleted() {
    let case = Case::secret(38).await;
    case.poll_works().await;
    case.world.tenant.set_client_secret("sim~second");
    case.world.tenant.revoke_tokens();
    let said = "AADSTS7000215: the client secret is wrong";
    case.poll_fails(&[said]).await;

    let (before, calls) = (case.asked(), case.world.proxy.count());
    let mapping = case.world.mapping();
    let batch = mapping.receive().await;
    let tally = mapping.deliver(&batch, &case.drain).await;
    assert_eq!((batch.len(), tally.returned, tally.deleted, tally.errors), (10, 10, 0, 0));
    assert!(case.world.tenant.journal().iter().all(|entry| entry.method != "DELETE"));
    let stopped = |line: &Value| line["message"] == "drain stopped" && line["level"] == "ERROR";
    let lines = case.drain.log_lines();
    let line = lines.iter().find(|line| stopped(line)).unwrap();
    assert!(line["cause"].as_str().unwrap().contains(said), "{line}");
    let calls = case.world.proxy.calls().split_off(calls);
    assert!(calls.iter().all(|call| !call.operation.starts_with("SQS.Delete")));
    let shown: Vec<&Value> =
        calls.iter().filter_map(|call| call.body["Entries"].as_array()).flatten().collect();
    assert_eq!(shown.len(), 10);
    assert!(shown.iter().all(|entry| entry["VisibilityTimeout"] == 900), "15 min, until it is mended");
    case.asked_no_more_than_twice_since(before);

    case.store("sim~second").await;
    mapping.show(&batch).await;
    case.poll_works().await;
    mapping.drain(&[&case.drain], Duration::from_mins(3)).await;
    case.world.assert_safe();
    case.world.assert_as_expected(&case.world.outcomes().await);
    assert_eq!((case.poll.starts(), case.drain.starts()), (1, 1));
    case.logs_tell_nothing(&["sim~", "sim%7E"]);
}
