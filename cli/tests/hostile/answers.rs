//! Lists that never end or lead elsewhere, and ids that would break out of where they stand; in
//! process and in simulated time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use mfa_rollback::{engine::Engine, sqlite::Database};
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    credentials::ClientSecret,
    ledger::{Key, OutcomeQuery},
    poll::{PollError, Position, ScanRequest},
    settings::Settings,
};
use simulator::{Budget, Cast, NewEvent, Options, Part, Population, Tenant};
use tower::{ServiceExt, util::BoxCloneSyncService};
use uuid::Uuid;

/// Answers in the tenant's place: gets the address and how often something was asked.
type Liar = Arc<dyn Fn(&http::Uri, usize) -> Option<Value> + Send + Sync>;

struct World {
    tenant: Tenant,
    cast: Cast,
    clock: Clock,
    store: Arc<Database>,
    vars: BTreeMap<&'static str, String>,
    asked: Arc<Mutex<Vec<http::Uri>>>,
}

impl World {
    fn new(seed: u64) -> Self {
        let (begun, start) =
            (tokio::time::Instant::now(), "2026-03-20T12:00:00Z".parse::<Timestamp>().unwrap());
        let clock = Clock::from_fn(move || start + begun.elapsed());
        let time = clock.clone();
        let mut options = Options::new(seed, move || time.now());
        options.budget = Budget::Off;
        let population = Population {
            users: 46,
            window_start: start - SignedDuration::from_hours(10 * 24),
            window_end: start - SignedDuration::from_hours(2 * 24),
        };
        let tenant = Tenant::new(options.clone());
        let cast = tenant.populate(&population);
        let mut vars = simulator::variables(&options, &population, &cast);
        vars.extend([("MAX_ROLLBACKS_PER_DAY", "1000".to_owned()), ("MODE", "enforce".to_owned())]);
        let store = Arc::new(Database::in_memory(clock.clone()).unwrap());
        Self { tenant, cast, clock, store, vars, asked: Arc::default() }
    }

    async fn engine(&self, liar: Liar) -> Engine {
        let lookup = |name: &str| self.vars.get(name).cloned();
        let (settings, secret) = (Settings::read(lookup).unwrap(), ClientSecret::read(lookup).unwrap());
        let (tenant, asked) = (self.tenant.service(), Arc::clone(&self.asked));
        let transport = BoxCloneSyncService::new(tower::service_fn(move |request: Request<Bytes>| {
            let mut asked = asked.lock().unwrap();
            asked.push(request.uri().clone());
            let lie = liar(request.uri(), asked.len());
            let tenant = tenant.clone();
            async move {
                match lie {
                    Some(lie) => Ok(Response::new(Bytes::from(lie.to_string()))),
                    None => tenant.oneshot(request).await.map_err(Into::into),
                }
            }
        }));
        Engine::with_transport(settings, secret, Arc::clone(&self.store), transport, self.clock.clone())
            .await
            .unwrap()
    }

    /// Polls a tenant that lies.
    async fn poll(
        &self,
        liar: impl Fn(&http::Uri, usize) -> Option<Value> + Send + Sync + 'static,
    ) -> PollError {
        let engine = self.engine(Arc::new(liar)).await;
        engine.run.poll(ScanRequest::Scheduled, &|_| ()).await.unwrap_err()
    }

    fn asked(&self) -> Vec<http::Uri> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    async fn complete_to(&self) -> Option<Timestamp> {
        let ledger = self.engine(Arc::new(|_, _| None)).await.run.process.ledger.clone();
        ledger.load::<Position>(Key::poll()).await.unwrap().value.unwrap().complete_to
    }
}

fn link(path: &str) -> String {
    format!("https://graph.microsoft.com/v1.0/auditLogs/directoryAudits?{path}")
}

fn of_audits(uri: &http::Uri) -> bool {
    uri.path().ends_with("/directoryAudits")
}

#[tokio::test(start_paused = true)]
async fn an_audit_log_of_empty_pages_that_never_ends_is_given_up() {
    let world = World::new(1);
    let begun = world.clock.now();
    let error = world
        .poll(|uri, n| of_audits(uri).then(|| json!({"value": [], "@odata.nextLink": link(&n.to_string())})))
        .await;
    assert!(error.to_string().contains("a list of audit events that ends"), "{error}");
    assert!(world.asked().len() < 150);
    assert!(world.clock.now().duration_since(begun) < SignedDuration::from_mins(10));
    assert_eq!(world.complete_to().await, None, "the scan did not come to its end");
}

#[tokio::test(start_paused = true)]
async fn an_audit_log_whose_pages_lead_in_a_circle_is_given_up() {
    let world = World::new(2);
    let events: Vec<Value> = world.tenant.events().into_iter().take(2).collect();
    let error = world
        .poll(move |uri, n| {
            of_audits(uri).then(|| json!({"value": events, "@odata.nextLink": link(&(n % 3).to_string())}))
        })
        .await;
    assert!(error.to_string().contains("a list of audit events that ends"), "{error}");
    assert!(world.asked().len() < 50);
    assert_eq!(world.complete_to().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_next_link_to_anywhere_else_is_not_followed() {
    let elsewhere = [
        "https://evil.example/v1.0/x",
        "https://graph.microsoft.com@evil.example/x",
        "https://graph.microsoft.com.evil.example/x",
        "https://graph.microsoft.com:8443/x",
        "http://graph.microsoft.com/x",
        "//evil.example/x",
        "https:\\\\evil.example\\x",
        "https://user:password@graph.microsoft.com/x",
        "file:///etc/passwd",
        "data:,x",
    ];
    for link in elsewhere {
        let world = World::new(3);
        let error = world
            .poll(move |uri, _| of_audits(uri).then(|| json!({"value": [], "@odata.nextLink": link})))
            .await;
        assert!(error.to_string().contains("next link"), "{link}: {error}");
        let host = |uri: &http::Uri| uri.host().unwrap().to_owned();
        assert!(
            world
                .asked()
                .iter()
                .all(|uri| ["graph.microsoft.com", "login.microsoftonline.com"].contains(&&*host(uri))),
            "{link}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn lists_of_administrators_that_never_end_forbid_everything() {
    let world = World::new(4);
    let liar: Liar = Arc::new(|uri, n| {
        let next = format!("https://graph.microsoft.com{}?{n}", uri.path());
        uri.path().contains("roleAssignment").then(|| json!({"value": [], "@odata.nextLink": next}))
    });
    let preflight = world.engine(liar).await.run.process.preflight().await.unwrap();
    assert!(!preflight.faults.is_empty(), "nothing may be deleted");
    assert!(world.asked().len() < 12_000);
    let world = World::new(4);
    let item = json!({"principalId": Uuid::nil(), "directoryScopeId": "/"});
    let items = Value::Array(vec![item; 9_000]);
    let liar: Liar = Arc::new(move |uri, n| {
        let next = format!("https://graph.microsoft.com{}?{n}", uri.path());
        uri.path().contains("roleAssignment").then(|| json!({"value": items, "@odata.nextLink": next}))
    });
    assert!(!world.engine(liar).await.run.process.preflight().await.unwrap().faults.is_empty());
    assert!(world.asked().len() < 200, "a million items are enough");
}

#[tokio::test(start_paused = true)]
async fn a_page_of_very_many_items_is_refused() {
    let world = World::new(5);
    let error = world.poll(|uri, _| of_audits(uri).then(|| json!({"value": vec![json!({}); 20_000]}))).await;
    assert!(error.to_string().contains("JSON of the documented shape"), "{error}");
}

/// Nothing of these may be read by Graph as anything but one id.
const IDS: [&str; 12] = [
    "../../../groups/9635606d-d3f0-4529-a4f0-a402cec4a9e4",
    "..",
    "a/b",
    "a\\b",
    "a?$filter=x",
    "a#b",
    "a%2Fb",
    "a%00b",
    "a\u{0}b",
    "'a' or true",
    "a\r\nX-Evil: 1",
    "\u{202e}ä",
];

#[tokio::test(start_paused = true)]
async fn no_method_id_breaks_out_of_its_place() {
    for id in IDS {
        let mut world = World::new(6);
        // The lie about the date is no registration's.
        world.vars.insert("UNPROVEN_METHODS", "roll_back".to_owned());
        let phone = world.cast.residents.iter().find(|resident| resident.part == Part::Phone).unwrap().id;
        let methods = format!("/beta/users/{phone}/authentication/methods");
        let liar: Liar = Arc::new(move |uri, _| {
            let at = "2026-03-15T00:00:00Z";
            let phone = json!({"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "id": id, "createdDateTime": at,
                "phoneNumber": "+1 2065550100", "phoneType": "mobile", "smsSignInState": "notSupported"});
            let password = json!({"@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": "28c10230-6103-485e-b985-444c60001490"});
            (uri.path() == methods).then(|| json!({"value": [password, phone]}))
        });
        let engine = world.engine(liar).await;
        engine.run.poll(ScanRequest::Scheduled, &|_| ()).await.unwrap();
        engine.drain(None, |_| ()).await.unwrap();
        let of_user = format!("/users/{phone}");
        let mut deletes = 0;
        for entry in world.tenant.journal() {
            if entry.method == "DELETE" && entry.user == Some(phone) {
                deletes += 1;
                assert_eq!(entry.segment.as_deref(), Some("phoneMethods"), "{id:?}: {entry:?}");
            }
        }
        for uri in world.asked() {
            let path = uri.path();
            let strange =
                path.contains("..") || path.contains("//") || path.to_lowercase().contains("evil: ");
            assert!(!strange, "{id:?}: {path}");
            if let Some(rest) = path.split(&of_user).nth(1) {
                assert!(rest.split('/').count() <= 4, "{id:?}: {path}");
            }
        }
        let is_refused = id == ".." || id.contains(['/', '\\', '%', '\0', '\r']);
        assert_eq!(deletes == 0, is_refused, "{id:?}: {deletes}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_with_an_odd_user_id_waits_for_a_person() {
    let world = World::new(7);
    let before = world.tenant.events().len();
    for (n, id) in IDS.iter().enumerate() {
        let at = world.clock.now() - SignedDuration::from_hours(72);
        let user = json!({"user": {"id": id, "userPrincipalName": id}});
        let event = NewEvent::new("User registered security info", at)
            .id(&format!("odd-{n}"))
            .service("Authentication Methods")
            .result("success")
            .with("initiatedBy", user)
            .with("targetResources", json!([{"id": id, "type": "User", "userPrincipalName": id}]));
        world.tenant.add_event(event);
    }
    assert_eq!(world.tenant.events().len(), before + IDS.len());
    let engine = world.engine(Arc::new(|_, _| None)).await;
    engine.run.poll(ScanRequest::Scheduled, &|_| ()).await.unwrap();
    let query =
        OutcomeQuery { outcome: "held(ambiguous_event)".to_owned(), until: None, after: None, limit: 100 };
    let held = engine.run.process.ledger.list(&query).await.unwrap().entries;
    let odd = held.iter().filter(|entry| format!("{entry:?}").contains("odd-")).count();
    assert_eq!(odd, IDS.len());
    for uri in world.asked() {
        assert!(!uri.path().contains("..") && !uri.to_string().contains("evil"), "{uri}");
    }
}
