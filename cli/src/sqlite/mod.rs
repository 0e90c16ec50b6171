//! Ledger and queue in one `SQLite` file. It survives being killed at any moment, and several processes may
//! use it.

mod ledger;
mod message;
mod owner;
mod queue;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, config::DbConfig};
use shared::{
    clock::Clock,
    domain::ids::TenantId,
    ledger::{Key, Ledger, LedgerError},
};

pub use self::message::{DeadLetter, Received};
use self::owner::Owners;

/// The version of the tables. A file with a newer version is refused.
const SCHEMA_VERSION: i64 = 1;

/// Marks a file as one of this program's ("mfrb").
const APPLICATION_ID: i64 = 0x6d66_7262;

/// Steps from one version of the tables to the next.
const MIGRATIONS: [&str; 1] = [include_str!("schema_1.sql")];

/// How long to wait for another process, which holds the file only for moments.
const BUSY: Duration = Duration::from_secs(30);

/// Prepared statements that are kept: more than there are, so that none is parsed twice.
const STATEMENTS: usize = 64;

/// A file with a ledger and a queue in it.
pub struct Database {
    connection: Mutex<Connection>,
    owners: Option<Owners>,
    clock: Clock,
    path: Option<PathBuf>,
}

/// Why a file cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or its folder is not accessible.
    #[error("ledger {path}: {cause}")]
    Io {
        /// The path of the ledger file.
        path: String,
        /// What the system says.
        cause: String,
    },
    /// The file is not a ledger, or is damaged.
    #[error("ledger {path} is not a ledger of mfa-rollback, or is damaged: {cause}")]
    NotALedger {
        /// The path of the ledger file.
        path: String,
        /// What `SQLite` says, or what else the file is.
        cause: String,
    },
    /// A newer version of the program wrote the file.
    #[error(
        "ledger {path} was written by a newer version of mfa-rollback (tables {found}, this one knows {SCHEMA_VERSION}): use that one"
    )]
    Newer {
        /// The path of the ledger file.
        path: String,
        /// The version of the file's tables.
        found: i64,
    },
}

impl Database {
    /// Opens a file. Creates it if it does not exist, and brings older tables up to date.
    pub fn open(path: &Path, clock: Clock) -> Result<Self, OpenError> {
        let io = |error: std::io::Error| OpenError::Io {
            path: path.display().to_string(),
            cause: error.to_string(),
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(io)?;
        }
        make_private(path).map_err(io)?;
        let connection = Connection::open(path).map_err(|error| not_a_ledger(path, &error))?;
        // Processes meet in one folder, whatever path each of them opened the file by.
        let owners = Owners::of(&path.canonicalize().map_err(io)?).map_err(io)?;
        Self::prepare(connection, Some(owners), clock, Some(path.to_owned()))
            .map_err(|error| error.for_file(path))
    }

    /// Opens a ledger and queue in memory, for tests.
    pub fn in_memory(clock: Clock) -> Result<Self, OpenError> {
        let path = Path::new(":memory:");
        let connection = Connection::open_in_memory().map_err(|error| not_a_ledger(path, &error))?;
        Self::prepare(connection, None, clock, None).map_err(|error| error.for_file(path))
    }

    fn prepare(
        connection: Connection,
        owners: Option<Owners>,
        clock: Clock,
        path: Option<PathBuf>,
    ) -> Result<Self, PrepareError> {
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Without it, SQLite plans a statement again for every value bound to it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // An intent must survive a power loss, too: a DELETE follows it.
        connection.pragma_update(None, "synchronous", "FULL")?;
        let store = Self { connection: Mutex::new(connection), owners, clock, path };
        store.migrate()?;
        store.lock().pragma_update(None, "journal_mode", "WAL")?;
        store.with(|transaction| {
            transaction.execute(
                "DELETE FROM documents WHERE expires_at IS NOT NULL AND expires_at < ?1",
                [text(store.clock.now())],
            )
        })?;
        Ok(store)
    }

    fn migrate(&self) -> Result<(), PrepareError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found > SCHEMA_VERSION {
            return Err(PrepareError::Newer(found));
        }
        let application: i64 = transaction.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        let tables: i64 =
            transaction.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
        if tables > 0 && application != APPLICATION_ID {
            return Err(PrepareError::Foreign);
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        for step in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        transaction.commit()?;
        Ok(())
    }

    /// Returns the name in which this process holds leases.
    pub fn owner(&self) -> String {
        self.owners.as_ref().map_or_else(|| "in-memory".to_owned(), |owners| owners.own().to_owned())
    }

    /// Returns the path of the file, or `None` for a ledger in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Returns the tenant that the ledger belongs to, or `None` if the ledger is new.
    pub fn tenant(&self) -> Result<Option<TenantId>, LedgerError> {
        let key = Key::tenant();
        let body: Option<String> = self
            .lock()
            .query_row("SELECT body FROM documents WHERE pk = ?1 AND sk = ?2", [&key.pk, &key.sk], |row| {
                row.get(0)
            })
            .optional()
            .map_err(ledger_error)?;
        body.map(|body| Ledger::tenant_of(&body)).transpose()
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Runs `body` in one transaction that no other writer can interrupt.
    fn with<T>(&self, body: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = body(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }
}

/// Formats a time so that it sorts as text.
fn text(at: Timestamp) -> String {
    format!("{at:.9}")
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn ledger_error(error: rusqlite::Error) -> LedgerError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
            LedgerError::Unavailable("another process holds it".to_owned())
        }
        _ => LedgerError::Unusable(format!("the ledger's file: {error}")),
    }
}

enum PrepareError {
    Newer(i64),
    Foreign,
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for PrepareError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl PrepareError {
    fn for_file(self, path: &Path) -> OpenError {
        match self {
            Self::Newer(found) => OpenError::Newer { path: path.display().to_string(), found },
            Self::Foreign => OpenError::NotALedger {
                path: path.display().to_string(),
                cause: "it is another program's database".to_owned(),
            },
            Self::Database(error) => not_a_ledger(path, &error),
        }
    }
}

fn not_a_ledger(path: &Path, error: &rusqlite::Error) -> OpenError {
    let path = path.display().to_string();
    match error.sqlite_error_code() {
        Some(
            rusqlite::ErrorCode::CannotOpen
            | rusqlite::ErrorCode::PermissionDenied
            | rusqlite::ErrorCode::ReadOnly
            | rusqlite::ErrorCode::DiskFull,
        ) => OpenError::Io { path, cause: error.to_string() },
        _ => OpenError::NotALedger { path, cause: error.to_string() },
    }
}

/// Creates the file so that only its owner may read it: the ledger says who is an administrator and who may
/// be rolled back.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path).map(drop)
}
