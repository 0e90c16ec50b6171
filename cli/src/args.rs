//! The command line; clap makes the help from these doc comments.

use std::{io::IsTerminal, path::PathBuf};

use clap::{Parser, Subcommand, ValueEnum};
use shared::{
    diagnose::{AskedMethod, Symptom},
    domain::{
        ids::{EventId, UserId},
        plan::PlanHash,
        user_ref::UserRef,
    },
    settings::{Mode, choice},
    verify::chain::Link,
};

/// Find users who were registered for MFA by mistake, decide per user, and roll them back.
///
/// Nothing is deleted unless --mode canary or --mode enforce (or MODE) is named.
#[derive(Debug, Parser)]
#[command(
    name = "mfa-rollback",
    version,
    max_term_width = 100,
    after_help = "\
Exit codes: 0 done; 1 a user failed or is partial, some input was refused, or verify found something;
2 settings or usage; 3 the tenant refused or could not be reached.

Settings come from the environment: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET,
PREVIEW_ENABLED_AT, PREVIEW_DISABLED_AT and the others of docs/settings.md. `mfa-rollback doctor` checks them."
)]
pub struct Args {
    /// The command to carry out.
    #[command(subcommand)]
    pub command: Command,

    /// The ledger's file [default: in the user's data folder, named after the tenant]
    #[arg(long, global = true, value_name = "FILE")]
    pub ledger: Option<PathBuf>,

    /// Run the command on a deployed stack: its output `ApiUrl`; AWS credentials as the AWS CLI finds them
    #[arg(long, global = true, value_name = "URL", conflicts_with = "ledger")]
    pub stack: Option<String>,

    /// How to write results
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Append log lines (JSON) to a file
    #[arg(long, global = true, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

/// How results are written to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table to read in a terminal.
    Table,
    /// JSON, for other programs; `schema` describes it.
    Json,
    /// JSON with one entry a line, for long lists.
    Ndjson,
    /// CSV, for spreadsheets; `report` then has every column.
    Csv,
    /// A web page to look at; `report` only.
    Html,
    /// One text for each user who has to be told something; `report` only, and nothing is sent.
    Mail,
}

/// A command and its options.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole job on a simulated tenant: nothing to set up, nothing real is touched
    Demo {
        /// How many users the tenant has
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(46..=20_000))]
        users: u32,
        /// Which tenant to simulate: the same number makes the same tenant
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// List the registrations in exported audit logs; needs no credentials
    Scan {
        /// Exports in any form (docs/exports.md): Graph, the portal, Azure Monitor, Log Analytics, Purview, …
        #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
        audit_log: Vec<PathBuf>,
        /// List instead who was stamped: whose MFA flags went from none to some, as the directory recorded it
        #[arg(long)]
        stamped: bool,
    },
    /// Scan the tenant's audit log, decide on every candidate, and roll back as the mode allows
    Run {
        /// How candidates are handled.
        #[command(flatten)]
        how: How,
    },
    /// Roll back the users that a file names, by the same rules
    #[command(group = clap::ArgGroup::new("what").required(true).args(["path", "audit_log"]))]
    Rollback {
        /// A text file of object ids or principal names, or a table with a column of them
        #[arg(long, value_name = "FILE")]
        path: Option<PathBuf>,
        /// Exported audit logs, which may go back further than the tenant's own: their registrations count
        #[arg(long, num_args = 1.., value_name = "FILE")]
        audit_log: Vec<PathBuf>,
        /// Vouch for the exports: what they say counts as proof, as if the tenant's audit log still held it; kept on
        /// record with your name and the files' SHA-256
        #[arg(long, requires = "audit_log")]
        vouch: bool,
        /// Why these users are named; kept on record
        #[arg(long, default_value = "named by a file")]
        reason: String,
        /// How candidates are handled.
        #[command(flatten)]
        how: How,
    },
    /// Decide on one user now and show every rule and the history; deletes nothing in any mode
    Explain {
        /// The user's object id or principal name
        user: UserRef,
    },
    /// Say why a user is asked for MFA, or does not see the methods that they expect; changes nothing
    Diagnose {
        /// The user's object id or principal name
        user: UserRef,
        /// What the user complains of: missing-methods (asked to register at sign-in), cannot-add (at
        /// aka.ms/mysecurityinfo) or unexpected-prompt [default: all three]
        #[arg(long, value_parser = choice::<Symptom>)]
        symptom: Option<Symptom>,
        /// What the user wants to add, which asks about cannot-add, too: phone, alternate-phone, office-phone, authenticator, other-app, email,
        /// security-questions, app-password or passkey
        #[arg(long, value_parser = choice::<AskedMethod>)]
        method: Option<AskedMethod>,
    },
    /// Lift the reasons why a user is held, or end a registration that does not name one clear user
    #[command(group = clap::ArgGroup::new("whom").required(true).args(["user", "event"]))]
    Release {
        /// The user's object id
        user: Option<UserRef>,
        /// The id of an audit event
        #[arg(long, value_parser = |text: &str| Ok::<_, std::convert::Infallible>(EventId(text.to_owned())))]
        event: Option<EventId>,
        /// Why; kept on record
        #[arg(long)]
        reason: String,
    },
    /// Erase what is on record about a user, except what prevents a second rollback
    Erase {
        /// The user's object id
        user: UserRef,
        /// Why; kept on record
        #[arg(long)]
        reason: String,
    },
    /// Stop everything before the next DELETE, or continue
    Brake {
        /// Whether to stop or to continue
        #[arg(value_enum)]
        turn: BrakeTurn,
        /// Why; kept on record
        #[arg(long)]
        reason: String,
    },
    /// Show what is on record for every user; --format html makes a page to look at, csv has every column, and mail
    /// writes to each of them
    Report {
        /// Which lines the report shows.
        #[command(flatten)]
        wanted: Wanted,
        /// Write instead everything on record to a new file for auditors (docs/verify.md), and print the head of its
        /// hash chain
        #[arg(long, value_name = "FILE", conflicts_with_all = ["held", "outcome"])]
        evidence: Option<PathBuf>,
    },
    /// Compare what the ledger says was deleted with the tenant's audit log and the methods as they are now; changes
    /// nothing
    Verify {
        /// Check instead a file that `report --evidence` wrote; needs neither ledger nor credentials
        file: Option<PathBuf>,
        /// The head that was printed and noted when the file was written
        #[arg(long, value_name = "HEAD", requires = "file")]
        head: Option<Link>,
    },
    /// Read and approve who would be rolled back, before anything is deleted
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Show mode, window, scan position, counts, cap and brake
    Status,
    /// Check settings, sign-in, permissions and what must hold before anything is deleted
    Doctor,
    /// Send a stack's readable dead letters back to its queue; needs --stack
    Redrive,
    /// Print the JSON Schema of what a command writes with --format json
    Schema {
        /// Whose output to describe
        #[arg(value_enum)]
        of: SchemaOf,
    },
    /// Print the completions of a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual's page, of the program or of one command
    Man {
        /// Which command
        command: Option<String>,
    },
}

/// An output that has a JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// Of `scan`.
    Scan,
    /// Of `run` and `rollback`.
    Run,
    /// Of `explain`.
    Explain,
    /// Of `report`.
    Report,
    /// Of `status`.
    Status,
    /// Of `doctor`.
    Doctor,
    /// Of `verify`.
    Verify,
    /// Of the file that `report --evidence` writes.
    Evidence,
}

/// How candidates are handled.
#[derive(Debug, Default, clap::Args)]
pub struct How {
    /// report (decide and record, delete nothing), canary or enforce [default: MODE, or report]
    #[arg(long, value_parser = choice::<Mode>)]
    pub mode: Option<Mode>,
    /// Do not ask before deleting
    #[arg(long)]
    pub yes: bool,
    /// Wait for users who need a second look, and handle them then
    #[arg(long)]
    pub wait: bool,
}

/// What a report shows.
#[derive(Debug, clap::Args)]
pub struct Wanted {
    /// Only what is held, for a person to look at
    #[arg(long)]
    pub held: bool,
    /// Only this outcome, such as `rolled_back` or `held`
    #[arg(long, value_name = "OUTCOME", conflicts_with = "held")]
    pub outcome: Option<String>,
    /// Show people by name: principal names where they were kept or the tenant tells them [default: true in a
    /// terminal, for a page and mails, otherwise false]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub names: Option<bool>,
}

impl Wanted {
    /// Whether people are shown by name: by default in a terminal, on a page and in mails. Other files leave the machine.
    pub fn names(&self, format: Format) -> bool {
        self.names.unwrap_or_else(|| match format {
            Format::Table => std::io::stdout().is_terminal(),
            Format::Html | Format::Mail => true,
            Format::Json | Format::Ndjson | Format::Csv => false,
        })
    }

    /// Returns the outcome to show, or `None` for all of them.
    pub fn kind(&self) -> Option<&str> {
        if self.held { Some("held") } else { self.outcome.as_deref() }
    }
}

/// What to do about a plan.
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// Make a plan of everybody who would be rolled back now; `run` in mode report makes one, too
    Make,
    /// List the plans that were made last
    List,
    /// List a plan's users, with each method, where it comes from and what shows it
    Show {
        /// The plan's hash [default: the latest plan]
        hash: Option<PlanHash>,
    },
    /// Show who was added, removed or changed between two plans
    Diff {
        /// The hash of the earlier plan
        earlier: PlanHash,
        /// The hash of the later plan [default: the latest plan]
        later: Option<PlanHash>,
    },
    /// Approve a plan or a part of it; kept on record with your name
    Approve {
        /// The plan's hash
        hash: PlanHash,
        /// Why; kept on record
        #[arg(long)]
        reason: String,
        /// Whom of the plan.
        #[command(flatten)]
        whom: Whom,
    },
}

/// Whom of a plan to approve; without any of these, all.
#[derive(Debug, clap::Args)]
pub struct Whom {
    /// Only the first so many users of the plan
    #[arg(long, value_name = "NUMBER")]
    pub first: Option<usize>,
    /// Only these users
    #[arg(long, num_args = 1.., value_name = "USER_ID")]
    pub user: Vec<UserId>,
    /// All but these users
    #[arg(long, num_args = 1.., value_name = "USER_ID")]
    pub except: Vec<UserId>,
}

/// A move of the brake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BrakeTurn {
    /// Delete nothing more until the brake is released.
    Open,
    /// Continue: waiting users are handled by the next run.
    Release,
}
