//! `rollback`: rolls back the users that a file names, by the same rules.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use shared::{
    audit::{self, AmbiguousRegistration, Event, Registration},
    domain::{
        facts::{Claimed, Vouched},
        ids::{EventId, UserId},
        state::ByHand,
        user_ref::UserRef,
    },
    graph::GraphError,
    ids_file,
    ledger::{AmbiguousEvent, LedgerError},
    poll::ScanRequest,
};

use super::{results, run, wake::wake, who};
use crate::{
    args::{Format, How},
    engine::Engine,
    error::{CommandError, Exit},
    exports, output,
    progress::Progress,
};

/// How many registrations are put on record at a time.
const CHUNK: usize = 500;

/// Where the users come from.
pub(super) enum Input {
    /// A text file of object ids and principal names.
    Ids(PathBuf),
    /// Exported audit logs, whose registrations in the window count, and whether a person vouches for them.
    AuditLogs(Vec<PathBuf>, bool),
}

/// The users to handle, and whether some input was refused.
struct Selected {
    users: BTreeSet<UserId>,
    refused: bool,
}

impl Selected {
    /// Removes users whose item in the ledger cannot be used, and reports them.
    fn without(mut self, passed_over: &BTreeMap<UserId, LedgerError>) -> Self {
        for (user, error) in passed_over {
            eprintln!("user {user} is passed over: {error}");
            self.users.remove(user);
            self.refused = true;
        }
        self
    }
}

pub(super) async fn rollback(
    engine: &Engine,
    input: Input,
    reason: &str,
    how: &How,
    format: Format,
) -> Result<Exit, CommandError> {
    run::may_ask(engine, how.yes)?;
    run::check(engine).await?;
    let named = match input {
        Input::Ids(path) => by_hand(engine, &path, reason).await?,
        Input::AuditLogs(files, is_vouched) => {
            let vouched =
                if is_vouched { Some(Vouched { by: who(), sha256: sha256(&files)? }) } else { None };
            from_exports(engine, &files, Claimed { vouched }).await?
        }
    };
    if named.users.is_empty() {
        return Err(CommandError::input("there is nobody to roll back in it"));
    }
    let progress = Progress::start("reading the audit log");
    let seen = progress.clone();
    let scanned = engine.run.poll(ScanRequest::Scheduled, &|summary| seen.scanned(summary)).await;
    if let Err(error) = scanned {
        progress.done();
        eprintln!(
            "nobody was decided on: the audit log, which tells whose methods they are, was not read to its end. \
             The users are on record; run this again."
        );
        return Err(error.into());
    }
    let drained = run::confirmed_drain(engine, Some(&named.users), how, &progress).await?;
    let exit = results::write(engine, None, drained, format).await?;
    Ok(if named.refused { Exit::Incomplete } else { exit })
}

async fn by_hand(engine: &Engine, path: &Path, reason: &str) -> Result<Selected, CommandError> {
    let input = |cause: String| CommandError::input(format!("{}: {cause}", output::file(path)));
    if path.is_dir() {
        return Err(input("is a folder: name a file".to_owned()));
    }
    let file = ids_file::read(File::open(path).map_err(|error| input(error.to_string()))?)
        .map_err(|error| input(error.to_string()))?;
    for refused in exports::of_list(&file.refused) {
        eprintln!("{}:{refused}", output::file(path));
    }
    let mut refused = !file.refused.is_empty();
    let mut users = BTreeSet::new();
    for (user, line) in file.users {
        match user {
            UserRef::Id(id) => {
                users.insert(id);
            }
            UserRef::PrincipalName(_) => match engine.run.process.graph.user(&user).await {
                Ok(found) => {
                    users.insert(found.body.id);
                }
                Err(GraphError::NotFound) => {
                    eprintln!("{}:{line}: nobody in this tenant has this principal name", output::file(path));
                    refused = true;
                }
                Err(error) if error.comes_back() || error.stops_everything() => return Err(error.into()),
                Err(error) => {
                    eprintln!("{}:{line}: {error}", output::file(path));
                    refused = true;
                }
            },
        }
    }
    let by_hand = ByHand { who: who(), why: reason.to_owned(), at: engine.run.process.clock.now() };
    let ids: Vec<UserId> = users.iter().copied().collect();
    let passed_over = engine.run.intake().name_by_hand(&ids, &by_hand).await?;
    Ok(Selected { users, refused }.without(&passed_over))
}

/// The SHA-256 of the files in order, in lower-case hexadecimal.
fn sha256(files: &[PathBuf]) -> Result<String, CommandError> {
    let mut hash = Sha256::new();
    let mut part = vec![0; 1 << 16];
    for path in files {
        let failed = |error| CommandError::input(format!("{}: {error}", output::file(path)));
        let mut file = File::open(path).map_err(failed)?;
        loop {
            match file.read(&mut part).map_err(failed)? {
                0 => break,
                length => hash.update(&part[..length]),
            }
        }
    }
    Ok(hash.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")))
}

async fn from_exports(engine: &Engine, files: &[PathBuf], claim: Claimed) -> Result<Selected, CommandError> {
    let mut users = BTreeSet::new();
    let mut registrations: Vec<Registration> = Vec::new();
    let mut ambiguous: Vec<AmbiguousRegistration> = Vec::new();
    let window = engine.run.process.settings.policy.window;
    let mut acts = Vec::new();
    let intake = engine.run.intake();
    let unread = intake.unread().await?;
    let mut read_now = HashSet::new();
    let read = exports::read(files, |record, event| {
        if !matches!(event, Event::Ambiguous(_)) {
            read_now.extend(record.id.clone().filter(|id| unread.contains(id)));
        }
        acts.extend(audit::acts(record, &event).into_iter().filter(|act| act.at >= window.start));
        match event {
            Event::Registration(registration) => registrations.push(registration),
            Event::Ambiguous(event) => ambiguous.push(event),
            Event::Other { .. } | Event::OtherService => {}
        }
    });
    ambiguous.retain(|event| event.event_id.as_ref().is_none_or(|id| !read.named.contains(id)));
    let outside = registrations.iter().filter(|r| !window.contains(r.registered_at)).count();
    if outside > 0 {
        eprintln!("{outside} registrations lie outside the window and are left alone");
    }
    users.extend(registrations.iter().filter(|r| window.contains(r.registered_at)).map(|r| r.user_id));
    let named: HashSet<EventId> = registrations.iter().filter_map(|r| r.event_id.clone()).collect();
    // Before the candidates: evidence against a method counts as much as evidence for it.
    intake.record_acts(acts, &engine.run.process.settings.client_id).await?;
    let mut first = true;
    while first || !registrations.is_empty() {
        let rest = registrations.split_off(registrations.len().min(CHUNK));
        let events = if first { ambiguous.as_slice() } else { &[] };
        intake.take_claims(claim.clone(), std::mem::replace(&mut registrations, rest), events).await?;
        first = false;
    }
    let why = |event: &AmbiguousEvent| match &event.event_id {
        id if named.contains(id) => Some("an export names its user"),
        id if read_now.contains(id) => Some("an export has its record"),
        _ => None,
    };
    intake.end_ambiguous(&who(), why).await?;
    let passed_over = wake(engine, &users).await?;
    Ok(Selected { users, refused: read.is_incomplete }.without(&passed_over))
}
