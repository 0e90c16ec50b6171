//! Ledger and queue in one `SQLite` file: safe against being killed at any moment and against
//! another process on the same file.

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

/// The version of the tables. A file of a newer one is left for a newer program.
const SCHEMA_VERSION: i64 = 1;

/// Marks a file as one of this program's ("mfrb").
const APPLICATION_ID: i64 = 0x6d66_7262;

/// Steps from one version of the tables to the next.
const MIGRATIONS: [&str; 1] = [include_str!("schema_1.sql")];

/// Another process holds the file for moments only.
const BUSY: Duration = Duration::from_secs(30);

/// More than there are, so that none is ever parsed twice.
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
        /// The file.
        path: String,
        /// What the system says.
        cause: String,
    },
    /// It is no ledger, or damaged.
    #[error("ledger {path} is not a ledger of mfa-rollback, or is damaged: {cause}")]
    NotALedger {
        /// The file.
        path: String,
        /// What the database says.
        cause: String,
    },
    /// A newer program wrote it.
    #[error(
        "ledger {path} was written by a newer version of mfa-rollback (tables {found}, this one knows {SCHEMA_VERSION}): use that one"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its tables' version.
        found: i64,
    },
}

impl Database {
    /// Opens a file, making it where it is not there and bringing older tables up to date.
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
        // Whatever name the file was opened by, its processes meet in one folder.
        let owners = Owners::of(&path.canonicalize().map_err(io)?).map_err(io)?;
        Self::prepare(connection, Some(owners), clock, Some(path.to_owned()))
            .map_err(|error| error.for_file(path))
    }

    /// A ledger and queue that are gone with the process, for tests.
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
        // Without it a statement is planned anew for every value bound to it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // An intent must outlast a loss of power too: a DELETE follows it.
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

    /// The name in which this process holds leases.
    pub fn owner(&self) -> String {
        self.owners.as_ref().map_or_else(|| "in-memory".to_owned(), |owners| owners.own().to_owned())
    }

    /// The file.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whose ledger the file is, where it is anybody's yet.
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

    /// Does something in one transaction that nobody can come between.
    fn with<T>(&self, body: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = body(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }
}

/// A time as it sorts in the database.
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

/// The ledger says who is an administrator and who may be rolled back: it is nobody else's business.
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
