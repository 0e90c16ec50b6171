//! The commands, carried out by a deployed stack.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use shared::{
    api::{
        BrakeMoved, Erased, EventEnded, MAX_NAMED, NamedRegistration, ReasonRequest, Redriven, Released,
        RollbackRequest, RollbacksTaken, UsersPage,
    },
    audit::Event,
    diagnose::Diagnosis,
    doctor::Check,
    domain::{ids::EventId, user_ref::UserRef},
    drain::Explanation,
    ids_file,
    poll::Polled,
    view::Status,
};

use super::{brake, diagnose, doctor, erase, explain, release, stack_plans, status};
use crate::{
    args::{BrakeTurn, Command, Format, How, Wanted},
    error::{CommandError, Exit},
    exports,
    output::{self, Rows},
    progress::Progress,
    report::{Added, Report},
    stack::{Call, Stack},
};

/// Principal names in one request: the stack looks up each of them, and has 25 s.
const NAMES: usize = 25;

/// Entries per page, as the parameter `limit`.
const PAGE: &str = "500";

/// Carries a command out on a stack.
pub(super) async fn carry_out(url: &str, command: Command, format: Format) -> Result<Exit, CommandError> {
    let stack = Stack::at(url)?;
    match command {
        Command::Run { how } => run(&stack, &how, format).await,
        Command::Rollback { vouch: true, .. } => {
            Err(CommandError::usage("--vouch: a stack takes no proof from files, on one machine only"))
        }
        Command::Rollback { path, audit_log, vouch: false, reason, how } => {
            rollback(&stack, Input { path, audit_log }, &reason, &how, format).await
        }
        Command::Explain { user } => {
            let named = user.to_string();
            let explanation: Explanation = stack.ask(Call::get(&["users", &named])).await?;
            explain::show(&explanation, None, format)
        }
        Command::Diagnose { user, symptom, method } => {
            let named = user.to_string();
            let mut call = Call::get(&["users", &named, "diagnosis"]);
            if let Some(symptom) = symptom {
                call = call.parameter("symptom", symptom.to_string());
            }
            if let Some(method) = method {
                call = call.parameter("method", method.to_string());
            }
            diagnose::show(&stack.ask::<Diagnosis>(call).await?, format)
        }
        Command::Release { user, event, reason } => lift(&stack, user, event, &reason, format).await,
        Command::Erase { user, reason } => {
            let user = release::by_id(Some(&user))?.to_string();
            let call = Call::post(&["users", &user, "erase"]).with(&ReasonRequest { reason });
            erase::show(&stack.ask::<Erased>(call).await?, format)
        }
        Command::Brake { turn, reason } => {
            let turn_name = match turn {
                BrakeTurn::Open => "open",
                BrakeTurn::Release => "release",
            };
            let call = Call::post(&["brake", turn_name]).with(&ReasonRequest { reason: reason.clone() });
            let BrakeMoved { brake } = stack.ask(call).await?;
            brake::show(brake.state, &reason, format)
        }
        Command::Plan(command) => stack_plans::carry_out(&stack, command, format).await,
        Command::Report { evidence: Some(_), .. } => {
            Err(CommandError::usage("report --evidence: it is made of a ledger of this machine only"))
        }
        Command::Report { wanted, evidence: None } => report(&stack, &wanted, format).await,
        Command::Status => status::show(&stack.ask::<Status>(Call::get(&["status"])).await?, format),
        Command::Doctor => doctor::show(&stack.ask::<Vec<Check>>(Call::get(&["doctor"])).await?, format),
        Command::Redrive => redrive(&stack, format).await,
        Command::Demo { .. }
        | Command::Scan { .. }
        | Command::Verify { .. }
        | Command::Schema { .. }
        | Command::Completions { .. }
        | Command::Man { .. } => {
            Err(CommandError::usage("--stack: this command works on this machine alone"))
        }
    }
}

/// Where the users of a rollback come from: a text file of ids, or exported audit logs.
struct Input {
    path: Option<PathBuf>,
    audit_log: Vec<PathBuf>,
}

/// Asks for scans until one is complete. The stack's own drain handles the users that are found.
async fn run(stack: &Stack, how: &How, format: Format) -> Result<Exit, CommandError> {
    only_the_stacks_own(how)?;
    let progress = Progress::start("the stack scans the audit log");
    let mut sum = Polled::default();
    while !sum.complete {
        let Polled { events_read, candidates, enqueued, duplicates, missed, complete, goes_on_at, .. } =
            stack.ask(Call::post(&["scans"])).await.inspect_err(|_| progress.done())?;
        sum.events_read += events_read;
        sum.candidates += candidates;
        sum.enqueued += enqueued;
        sum.duplicates += duplicates;
        sum.missed += missed;
        (sum.complete, sum.goes_on_at) = (complete, goes_on_at);
        progress.scanned(&sum);
    }
    progress.done();
    match format {
        Format::Json | Format::Ndjson => output::write_json(format, &sum)?,
        _ => output::say!(
            "audit log: {} events read, {} new candidates, {} registrations seen before\nthe stack's drain handles them: status and report --stack say what came of it",
            sum.events_read,
            sum.candidates,
            sum.duplicates
        ),
    }
    Ok(Exit::Done)
}

async fn rollback(
    stack: &Stack,
    input: Input,
    reason: &str,
    how: &How,
    format: Format,
) -> Result<Exit, CommandError> {
    only_the_stacks_own(how)?;
    let (taken, bad_input) = match input.path {
        Some(path) => by_hand(stack, &path, reason).await?,
        None => from_exports(stack, &input.audit_log, reason).await?,
    };
    match format {
        Format::Json | Format::Ndjson => output::write_json(format, &taken)?,
        _ => output::say!(
            "{} users taken, {} named before, {} registrations outside the window; {} refused\nthe stack's drain handles them: status and report --stack say what came of it",
            taken.accepted,
            taken.duplicates,
            taken.outside_window,
            taken.refused.len()
        ),
    }
    Ok(if bad_input || !taken.refused.is_empty() { Exit::Incomplete } else { Exit::Done })
}

/// Sends the users of a text file, as many at a time as the stack accepts.
async fn by_hand(stack: &Stack, path: &Path, reason: &str) -> Result<(RollbacksTaken, bool), CommandError> {
    let shown = output::file(path);
    let input = |cause: String| CommandError::input(format!("{shown}: {cause}"));
    let file = ids_file::read(File::open(path).map_err(|error| input(error.to_string()))?)
        .map_err(|error| input(error.to_string()))?;
    for refused in exports::of_list(&file.refused) {
        eprintln!("{shown}:{refused}");
    }
    if file.users.is_empty() {
        return Err(input("there is nobody to roll back in it".to_owned()));
    }
    let bad_input = !file.refused.is_empty();
    let mut sum = RollbacksTaken { duplicates: file.duplicates as u64, ..RollbacksTaken::default() };
    let (ids, names): (Vec<_>, Vec<_>) =
        file.users.into_iter().partition(|(user, _)| matches!(user, UserRef::Id(_)));
    for chunk in ids.chunks(MAX_NAMED).chain(names.chunks(NAMES)) {
        let users = chunk.iter().map(|(user, _)| user.to_string()).collect();
        let request =
            RollbackRequest { user_ids: Some(users), registrations: None, reason: Some(reason.to_owned()) };
        let mut taken: RollbacksTaken = stack.ask(Call::post(&["rollbacks"]).with(&request).once()).await?;
        for refused in &mut taken.refused {
            let place = usize::try_from(refused.line).unwrap_or(0).saturating_sub(1);
            refused.line = chunk.get(place).map_or(0, |(_, line)| *line as u64);
            eprintln!("{shown}:{}: {}", refused.line, output::plain(&refused.cause));
        }
        add(&mut sum, taken);
    }
    Ok((sum, bad_input))
}

async fn from_exports(
    stack: &Stack,
    files: &[PathBuf],
    reason: &str,
) -> Result<(RollbacksTaken, bool), CommandError> {
    let mut registrations = Vec::new();
    let read = exports::read(files, |_, event| {
        if let Event::Registration(registration) = event {
            registrations.push(NamedRegistration::of(&registration));
        }
    });
    if registrations.is_empty() {
        return Err(CommandError::input("there is nobody to roll back in it"));
    }
    let mut sum = RollbacksTaken::default();
    for chunk in registrations.chunks(MAX_NAMED) {
        let request = RollbackRequest {
            user_ids: None,
            registrations: Some(chunk.to_vec()),
            reason: Some(reason.to_owned()),
        };
        add(&mut sum, stack.ask(Call::post(&["rollbacks"]).with(&request).once()).await?);
    }
    Ok((sum, read.is_incomplete))
}

async fn lift(
    stack: &Stack,
    user: Option<UserRef>,
    event: Option<EventId>,
    reason: &str,
    format: Format,
) -> Result<Exit, CommandError> {
    let body = ReasonRequest { reason: reason.to_owned() };
    if let Some(EventId(event)) = event {
        let call = Call::post(&["events", &event, "release"]).with(&body);
        let EventEnded { event_id } = stack.ask(call).await?;
        return release::show_ended(&event_id, format);
    }
    let user = release::by_id(user.as_ref())?.to_string();
    let Released { user_id, lifted } =
        stack.ask(Call::post(&["users", &user, "release"]).with(&body)).await?;
    release::show(user_id, &lifted, format)
}

async fn report(stack: &Stack, wanted: &Wanted, format: Format) -> Result<Exit, CommandError> {
    if wanted.names == Some(true) {
        let why = "--names: a stack lists no names; `explain USER_ID` shows one user's";
        return Err(CommandError::usage(why));
    }
    let mut report = Report::begin(format, false)?;
    let mut cursor: Option<String> = None;
    loop {
        let mut call = Call::get(&["users"]).parameter("limit", PAGE);
        if let Some(outcome) = wanted.kind() {
            call = call.parameter("outcome", outcome);
        }
        if let Some(cursor) = cursor.take() {
            call = call.parameter("cursor", cursor);
        }
        let UsersPage { entries, next } = stack.ask(call).await?;
        for line in entries {
            report.add(line)?;
        }
        match next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    report.end(Added::default(), async || stack.ask::<Status>(Call::get(&["status"])).await).await
}

async fn redrive(stack: &Stack, format: Format) -> Result<Exit, CommandError> {
    let mut sum = Redriven::default();
    while !sum.complete {
        let Redriven { redriven, unreadable, complete } =
            stack.ask(Call::post(&["dead-letters", "redrive"])).await?;
        sum.redriven += redriven;
        sum.unreadable += unreadable;
        sum.complete = complete;
    }
    let row = vec![sum.redriven.to_string(), sum.unreadable.to_string()];
    let rows = Rows { header: vec!["redriven", "unreadable"], rows: vec![row] };
    output::write(format, &rows, &sum)?;
    Ok(Exit::Done)
}

/// Refuses `--mode` and `--yes`: a stack's mode is one of its settings, and it asks nobody.
fn only_the_stacks_own(how: &How) -> Result<(), CommandError> {
    if how.mode.is_some() {
        return Err(CommandError::usage(
            "--mode: a stack has its own mode, the parameter Mode of its deployment",
        ));
    }
    if how.yes {
        return Err(CommandError::usage("--yes: a stack asks nobody; its mode and rules decide"));
    }
    if how.wait {
        return Err(CommandError::usage("--wait: a stack looks again by itself, with each poll"));
    }
    Ok(())
}

fn add(sum: &mut RollbacksTaken, taken: RollbacksTaken) {
    sum.accepted += taken.accepted;
    sum.duplicates += taken.duplicates;
    sum.outside_window += taken.outside_window;
    sum.refused.extend(taken.refused);
}
