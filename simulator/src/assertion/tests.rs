use jsonwebtoken::{EncodingKey, encode, jwk::Jwk};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::{
    Certificate, IssuerKeys,
    testing::{Client, Reply, client, keys, options, wait},
};

const ISSUER: &str = "https://0a1b2c3d.tokens.sts.global.api.aws";
const SUBJECT: &str = "arn:aws:iam::111122223333:role/poll";

/// A name, what to change in a draft, and the number of the refusal.
type Case = (&'static str, fn(&mut Draft), Option<u64>);

/// An assertion before it is signed.
#[derive(Clone)]
struct Draft {
    header: Header,
    claims: Value,
    key: EncodingKey,
    now: i64,
}

impl Draft {
    /// As the program signs one with its certificate.
    fn by_certificate(client: &Client) -> Self {
        let mut header = Header::new(Algorithm::PS256);
        header.x5t_s256 = Some(certificate(keys::CERTIFICATE).thumbprint().to_owned());
        let now = (client.options.clock)().as_second();
        let id = client.options.client_id;
        let claims = json!({
            "aud": format!("https://login.example/{}/oauth2/v2.0/token", client.options.tenant_id),
            "iss": id, "sub": id, "jti": Uuid::nil(), "nbf": now, "exp": now + 600,
        });
        Self { header, claims, key: key(keys::CERTIFICATE_KEY), now }
    }

    /// As AWS issues one.
    fn by_issuer(client: &Client) -> Self {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some("first".to_owned());
        let now = (client.options.clock)().as_second();
        let claims = json!({
            "aud": FederatedCredential::AUDIENCE,
            "iss": ISSUER, "sub": SUBJECT, "iat": now, "exp": now + 3600,
        });
        Self { header, claims, key: key(keys::ISSUER_KEY), now }
    }

    fn set(&mut self, claim: &str, value: impl Into<Value>) {
        self.claims[claim] = value.into();
    }

    fn without(&mut self, claim: &str) {
        self.claims.as_object_mut().unwrap().remove(claim);
    }

    fn signed(&self) -> String {
        encode(&self.header, &self.claims, &self.key).unwrap()
    }
}

fn certificate(pem: &str) -> Certificate {
    Certificate::from_pem(pem).unwrap()
}

fn key(pem: &str) -> EncodingKey {
    EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
}

fn federated() -> FederatedCredential {
    FederatedCredential::new(ISSUER, SUBJECT, IssuerKeys::from_pem(keys::ISSUER_PUBLIC_KEY).unwrap())
}

async fn tenant() -> Client {
    let mut options = options();
    options.certificates = vec![certificate(keys::CERTIFICATE)];
    options.federated_credentials = vec![federated()];
    client(options).await
}

async fn send(client: &Client, assertion: &str) -> Reply {
    let form = format!(
        "grant_type=client_credentials&client_id={}&scope=https://graph.example/.default\
         &client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer\
         &client_assertion={assertion}",
        client.options.client_id
    );
    client.login(client.options.tenant_id, &form).await
}

/// Returns the number of the refusal, or `None` if there was none.
async fn refusal(client: &Client, assertion: &str) -> Option<u64> {
    let reply = send(client, assertion).await;
    let number = reply.json()["error_codes"][0].as_u64();
    let expected = if number.is_some() { (401, "invalid_client".into()) } else { (200, Value::Null) };
    assert_eq!((reply.status, reply.json()["error"].clone()), expected, "{}", reply.text);
    number
}

#[tokio::test(start_paused = true)]
async fn a_registered_certificate_or_issuer_gets_a_token_that_works() {
    let mut client = tenant().await;
    for draft in [Draft::by_certificate(&client), Draft::by_issuer(&client)] {
        let reply = send(&client, &draft.signed()).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["access_token"].as_str().unwrap().clone_into(&mut client.token);
        assert_eq!(client.get("/v1.0/users").await.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_of_a_certificate_assertion_has_its_own_refusal() {
    let client = tenant().await;
    let cases: [Case; 26] = [
        ("RS256", |draft| draft.header.alg = Algorithm::RS256, None),
        ("PS384", |draft| draft.header.alg = Algorithm::PS384, Some(5_002_738)),
        ("no thumbprint", |draft| draft.header.x5t_s256 = None, Some(5_002_723)),
        (
            "another certificate",
            |draft| {
                let other = certificate(keys::NEXT_CERTIFICATE);
                draft.header.x5t_s256 = Some(other.thumbprint().to_owned());
                draft.key = key(keys::NEXT_CERTIFICATE_KEY);
            },
            Some(700_027),
        ),
        ("another key", |draft| draft.key = key(keys::NEXT_CERTIFICATE_KEY), Some(700_027)),
        ("another application as issuer", |draft| draft.set("iss", Uuid::nil().to_string()), Some(700_021)),
        ("another application as subject", |draft| draft.set("sub", Uuid::nil().to_string()), Some(700_021)),
        ("an audience that is no token endpoint", |draft| draft.set("aud", "https://x"), Some(700_023)),
        (
            "the global cloud's audience",
            |draft| draft.set("aud", "https://login.microsoftonline.com/common/oauth2/v2.0/token"),
            Some(700_023),
        ),
        ("a list of audiences", |draft| draft.set("aud", json!([draft.claims["aud"]])), None),
        ("no audience", |draft| draft.without("aud"), Some(50027)),
        ("no issuer", |draft| draft.without("iss"), Some(50027)),
        ("no subject", |draft| draft.without("sub"), Some(50027)),
        ("no id", |draft| draft.without("jti"), Some(50027)),
        ("no start", |draft| draft.without("nbf"), Some(50027)),
        ("no expiry", |draft| draft.without("exp"), Some(50027)),
        ("an expiry that is no number", |draft| draft.set("exp", "soon"), Some(50027)),
        ("a start ahead of the clocks' difference", |draft| draft.set("nbf", draft.now + 61), Some(700_024)),
        ("a start within the clocks' difference", |draft| draft.set("nbf", draft.now + 60), None),
        ("expired", |draft| draft.set("exp", draft.now - 60), Some(700_024)),
        ("expired within the clocks' difference", |draft| draft.set("exp", draft.now - 59), None),
        ("the longest life", |draft| draft.set("exp", draft.now + 660), None),
        ("a longer life", |draft| draft.set("exp", draft.now + 661), Some(700_024)),
        ("no end", |draft| draft.set("exp", i64::MAX), Some(700_024)),
        ("long gone", |draft| draft.set("exp", i64::MIN), Some(700_024)),
        (
            "a URL as issuer: a federated token, and those are RS256",
            |draft| draft.set("iss", "https://x"),
            Some(5_002_738),
        ),
    ];
    for (what, spoil, expected) in cases {
        let mut draft = Draft::by_certificate(&client);
        spoil(&mut draft);
        assert_eq!(refusal(&client, &draft.signed()).await, expected, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_of_a_federated_token_has_its_own_refusal() {
    let client = tenant().await;
    let cases: [Case; 15] = [
        ("PS256", |draft| draft.header.alg = Algorithm::PS256, Some(5_002_738)),
        ("RS384", |draft| draft.header.alg = Algorithm::RS384, Some(5_002_738)),
        ("another issuer", |draft| draft.set("iss", "https://x"), Some(700_211)),
        ("the issuer with a slash", |draft| draft.set("iss", format!("{ISSUER}/")), Some(700_211)),
        ("another audience", |draft| draft.set("aud", "sts.amazonaws.com"), Some(700_212)),
        ("a list of audiences", |draft| draft.set("aud", json!(["x", draft.claims["aud"]])), None),
        ("another subject", |draft| draft.set("sub", "arn:aws:iam::111122223333:role/x"), Some(700_213)),
        ("the subject in capitals", |draft| draft.set("sub", SUBJECT.to_uppercase()), Some(700_213)),
        ("another key", |draft| draft.key = key(keys::CERTIFICATE_KEY), Some(50013)),
        ("expired", |draft| draft.set("exp", draft.now - 60), Some(700_024)),
        ("a start ahead of the clocks' difference", |draft| draft.set("nbf", draft.now + 61), Some(700_024)),
        ("a long life", |draft| draft.set("exp", draft.now + 86_400), None),
        ("no expiry", |draft| draft.without("exp"), Some(50027)),
        ("no subject", |draft| draft.without("sub"), Some(50027)),
        ("no key id, with one key for any", |draft| draft.header.kid = None, None),
    ];
    for (what, spoil, expected) in cases {
        let mut draft = Draft::by_issuer(&client);
        spoil(&mut draft);
        assert_eq!(refusal(&client, &draft.signed()).await, expected, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_jwt_or_is_not_signed_is_refused() {
    let client = tenant().await;
    let good = Draft::by_certificate(&client).signed();
    let (signed, _) = good.rsplit_once('.').unwrap();
    let (_, claims) = signed.split_once('.').unwrap();
    let none = format!("eyJhbGciOiJub25lIn0.{claims}.");
    for text in ["", "x", "a.b.c", "e30.e30.e30", signed, &none, &format!("{good}.x")] {
        assert_eq!(refusal(&client, text).await, Some(50027), "{text}");
    }
    for text in
        [format!("{signed}."), format!("{signed}.c2ln"), format!("{signed}.%21"), good.clone() + "AAAA"]
    {
        assert_eq!(refusal(&client, &text).await, Some(700_027), "{text}");
    }
    let other = Draft { claims: json!({"x": 1}), ..Draft::by_certificate(&client) }.signed();
    let (_, signature) = other.rsplit_once('.').unwrap();
    assert_eq!(refusal(&client, &format!("{signed}.{signature}")).await, Some(700_027));
}

#[tokio::test(start_paused = true)]
async fn a_public_key_is_no_shared_secret() {
    let client = tenant().await;
    for (mut draft, public) in [
        (Draft::by_certificate(&client), keys::CERTIFICATE),
        (Draft::by_issuer(&client), keys::ISSUER_PUBLIC_KEY),
    ] {
        draft.header.alg = Algorithm::HS256;
        draft.key = EncodingKey::from_secret(public.as_bytes());
        assert_eq!(refusal(&client, &draft.signed()).await, Some(5_002_738));
    }
}

#[tokio::test(start_paused = true)]
async fn times_are_the_simulators_own() {
    let client = tenant().await;
    let assertion = Draft::by_certificate(&client).signed();
    wait(659).await;
    assert_eq!(refusal(&client, &assertion).await, None);
    wait(1).await;
    assert_eq!(refusal(&client, &assertion).await, Some(700_024));
    assert_eq!(refusal(&client, &Draft::by_certificate(&client).signed()).await, None);
}

#[tokio::test(start_paused = true)]
async fn after_a_rotation_only_the_new_certificate_works() {
    let client = tenant().await;
    let old = Draft::by_certificate(&client);
    let mut new = old.clone();
    new.header.x5t_s256 = Some(certificate(keys::NEXT_CERTIFICATE).thumbprint().to_owned());
    new.key = key(keys::NEXT_CERTIFICATE_KEY);
    let (old, new) = (old.signed(), new.signed());
    client.tenant.set_certificates(vec![certificate(keys::CERTIFICATE), certificate(keys::NEXT_CERTIFICATE)]);
    assert_eq!((refusal(&client, &old).await, refusal(&client, &new).await), (None, None));
    client.tenant.set_certificates(vec![certificate(keys::NEXT_CERTIFICATE)]);
    assert_eq!((refusal(&client, &old).await, refusal(&client, &new).await), (Some(700_027), None));
    assert_eq!(client.get("/v1.0/users").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_federated_credential_that_is_not_known_yet_has_the_general_refusal() {
    let client = client(options()).await;
    let token = Draft::by_issuer(&client).signed();
    assert_eq!(refusal(&client, &token).await, Some(70021));
    client.tenant.set_federated_credentials(vec![federated()]);
    assert_eq!(refusal(&client, &token).await, None);
}

#[tokio::test(start_paused = true)]
async fn names_of_different_federated_credentials_do_not_mix() {
    let client = tenant().await;
    let mut other = federated();
    other.issuer = "https://other.example".to_owned();
    other.subject = "them".to_owned();
    client.tenant.set_federated_credentials(vec![federated(), other]);
    let mut draft = Draft::by_issuer(&client);
    draft.set("sub", "them");
    assert_eq!(refusal(&client, &draft.signed()).await, Some(700_213));
    draft.set("iss", "https://other.example");
    assert_eq!(refusal(&client, &draft.signed()).await, None);
}

#[tokio::test(start_paused = true)]
async fn the_key_of_a_set_is_the_one_that_the_token_names() {
    let client = tenant().await;
    let jwk = |pem: &str, id: &str| {
        let mut jwk = Jwk::from_encoding_key(&key(pem), Algorithm::RS256).unwrap();
        jwk.common.key_id = Some(id.to_owned());
        jwk
    };
    let set = json!({ "keys": [jwk(keys::ISSUER_KEY, "first"), jwk(keys::CERTIFICATE_KEY, "second")] });
    let keys = IssuerKeys::from_jwks(&set.to_string()).unwrap();
    client.tenant.set_federated_credentials(vec![FederatedCredential::new(ISSUER, SUBJECT, keys)]);
    let mut draft = Draft::by_issuer(&client);
    for (id, expected) in [
        (Some("first"), None),
        (Some("second"), Some(50013)),
        (Some("x"), Some(7_000_272)),
        (None, Some(7_000_272)),
    ] {
        draft.header.kid = id.map(str::to_owned);
        assert_eq!(refusal(&client, &draft.signed()).await, expected, "{id:?}");
    }
}
