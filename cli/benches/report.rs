//! Measures how long a report on 100,000 users takes: `cargo bench -p mfa-rollback --bench report`.
//!
//! The users are copies of a demo's users, each with an id of its own. `-- --keep FOLDER` keeps the ledger
//! (`large.ledger`), the demo's ledger (`small.ledger`) and a page of each in FOLDER.

#![expect(clippy::unwrap_used, reason = "a bench ends where something is missing")]

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Instant,
};

use mfa_rollback::sqlite::Database;
use shared::{
    clock::Clock,
    domain::{ids::UserId, state::UserState},
    ledger::{Entry, Ledger, OutcomeQuery, Versioned},
    view::listed,
};
use uuid::Uuid;

const USERS: usize = 100_000;
const BINARY: &str = env!("CARGO_BIN_EXE_mfa-rollback");

fn mfa_rollback(ledger: &Path, arguments: &[&str], out: &Path) {
    let run = Command::new(BINARY)
        .args(arguments)
        .arg("--ledger")
        .arg(ledger)
        .env_remove("AZURE_TENANT_ID")
        .stdout(File::create(out).unwrap())
        .stderr(File::create(out.with_extension("log")).unwrap())
        .status();
    assert!(
        run.unwrap().success(),
        "{arguments:?}: {}",
        std::fs::read_to_string(out.with_extension("log")).unwrap()
    );
}

async fn open(path: &Path, tenant: shared::domain::ids::TenantId) -> Ledger {
    let store = Database::open(path, Clock::system()).unwrap();
    Ledger::open(Arc::new(store), tenant, Clock::system()).await.unwrap()
}

/// Reads every user on record in a ledger.
async fn everybody(ledger: &Ledger) -> Vec<UserState> {
    let mut all = Vec::new();
    for outcome in listed(None).unwrap() {
        let query = OutcomeQuery { outcome, until: None, after: None, limit: 10_000 };
        all.extend(ledger.list(&query).await.unwrap().entries.into_iter().filter_map(|entry| match entry {
            Entry::User(state) => Some(*state),
            Entry::Event(_) => None,
        }));
    }
    all
}

async fn copy(small: &Path, large: &Path) {
    let tenant = Database::open(small, Clock::system()).unwrap().tenant().unwrap().unwrap();
    let people = everybody(&open(small, tenant).await).await;
    let ledger = open(large, tenant).await;
    let copies: Vec<Versioned<UserState>> = (1..=USERS as u128)
        .zip(people.iter().cycle())
        .map(|(n, state)| {
            let user_id: UserId = Uuid::from_u128(n).to_string().parse().unwrap();
            Versioned { value: UserState { user_id, ..state.clone() }, version: 0 }
        })
        .collect();
    for part in copies.chunks(5_000) {
        assert!(ledger.save_users(part).await.unwrap().iter().all(|saved| *saved));
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let kept = arguments.iter().position(|it| it == "--keep").map(|n| PathBuf::from(&arguments[n + 1]));
    let temporary = tempfile::tempdir().unwrap();
    let folder = kept.unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&folder).unwrap();
    let [small, large] = ["small.ledger", "large.ledger"].map(|name| folder.join(name));
    for ledger in [&small, &large] {
        if ledger.exists() {
            std::fs::remove_file(ledger).unwrap();
        }
    }
    mfa_rollback(&small, &["demo", "--users", "400"], &folder.join("demo.txt"));
    tokio::runtime::Runtime::new().unwrap().block_on(copy(&small, &large));
    mfa_rollback(&small, &["report", "--format", "html", "--names"], &folder.join("small.html"));
    println!("{USERS} users, best of 3:");
    for format in ["html", "csv", "json"] {
        let out = folder.join(format!("large.{format}"));
        let times = (0..3).map(|_| {
            let begun = Instant::now();
            mfa_rollback(&large, &["report", "--format", format], &out);
            begun.elapsed()
        });
        let best = times.min().unwrap();
        println!("{format:>6}: {:>6.2} s, {:>7.1} MB", best.as_secs_f64(), megabytes(&out));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
fn megabytes(file: &Path) -> f64 {
    std::fs::metadata(file).unwrap().len() as f64 / 1e6
}
