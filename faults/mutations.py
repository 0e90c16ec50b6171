#!/usr/bin/env python3
"""Puts deliberate faults into a copy of the code, one at a time, and runs the fault schedules on each.

A net is as good as the fish that it catches: every fault below must break a property within 2,000
schedules. `python3 faults/mutations.py` takes all of them, `python3 faults/mutations.py NAME…` some.
The figures go to standard output; the exit code is 1 where a fault slipped through.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path.home() / ".cache" / "mfa-rollback"
TREE = CACHE / "mutations"
# Apart from everything else: what is built from a fault must not be taken for the program.
TARGET = CACHE / "target-mutations"
SCHEDULES = 2_000

LEDGER = "shared/src/ledger/"
RULES = "shared/src/decide/rules.rs"
ORIGIN = "shared/src/decide/origin.rs"
HANDLING = "shared/src/drain/handling.rs"
SCAN = "shared/src/poll/scan.rs"

# Name, file, what stands there (once), and what is put in its place.
MUTATIONS = [
    (
        "intent not written before the DELETE",
        LEDGER + "rollback.rs",
        """            match self.commit(&writes).await {
                Ok(()) => {
                    changed.version += 1;""",
        """            let _ = writes;
            match Ok(()) {
                Ok(()) => {""",
    ),
    (
        "seen before on record",
        "shared/src/poll/candidates.rs",
        "        let (woken, recorded) = self.record(&new).await?;\n",
        """        let all: Vec<EventId> = events.iter().map(|(_, event)| event.clone()).collect();
        self.process.ledger.mark_seen(&all).await?;
        let (woken, recorded) = self.record(&new).await?;
""",
    ),
    (
        "complete_to moved before the scan came to its end",
        "shared/src/poll/scan.rs",
        "                    keep(&mut position.value, purpose, scan);\n                    return Err(error.into());\n",
        """                    keep(&mut position.value, purpose, scan);
                    let _ = error;
                    return Ok(position.value.scan.clone());
""",
    ),
    (
        "daily cap not atomic",
        LEDGER + "rollback.rs",
        "                self.brake_write(&brake),\n",
        "                crate::ledger::Write { expect: crate::ledger::Expect::Any, ..self.brake_write(&brake) },\n",
    ),
    (
        "lease not looked at before a DELETE",
        "shared/src/drain/lease.rs",
        "if now.checked_add(needed).is_ok_and(|end| end < lease_until) {",
        "if needed >= Duration::ZERO || lease_until > now {",
    ),
    (
        "lease of another process taken",
        "shared/src/domain/lease.rs",
        "lease.is_none_or(|lease| now >= shift(lease.until, CLOCK_SKEW) || owner_is_dead(&lease.owner))",
        "lease.is_none_or(|lease| now >= shift(lease.until, -CLOCK_SKEW) || owner_is_dead(&lease.owner))",
    ),
    (
        "404 as failure",
        "shared/src/drain/roll_back.rs",
        "                Ok(_) | Err(GraphError::NotFound) => {\n",
        "                Ok(_) => {\n",
    ),
    (
        "re-registration rolled back",
        "shared/src/decide/rules.rs",
        "        let Some(began) = self.record.first_delete_at.or(elsewhere) else {\n",
        "        let Some(began) = self.record.first_delete_at.filter(|_| false).or(elsewhere) else {\n",
    ),
    (
        "late event after a re-registration makes a new candidate",
        "shared/src/domain/state.rs",
        "        // A release does not cover what was not on record then.\n",
        "        (self.first_delete_at, self.intent) = (None, None);\n",
    ),
    (
        "narrowed window ignored",
        "shared/src/decide/rules.rs",
        "        match self.of_window().count() {\n",
        "        match self.record.registrations.len() {\n",
    ),
    (
        "undated method taken for the one of its kind that is named",
        ORIGIN,
        "            _ => Shown::by_itself(Origin::Unproven, ",
        """            _ if self.naming(&method.kind).next().is_some() => {
                Shown::by_itself(Origin::OfWindow, String::new())
            }
            _ => Shown::by_itself(Origin::Unproven, """,
    ),
    (
        "date alone makes a method the user's own",
        ORIGIN,
        "            && self.each_has_its_registration(&method.kind)\n",
        "            && (created <= Timestamp::MAX || self.each_has_its_registration(&method.kind))\n",
    ),
    (
        "two of a kind counted as one",
        ORIGIN,
        "        of_kind == 1 && ",
        "        of_kind >= 1 && ",
    ),
    (
        "a method from after the window taken for one of it",
        ORIGIN,
        "        (created > window.end && dates_registration).then_some(Origin::AfterWindow)\n",
        "        (created > window.end && dates_registration && created < window.start).then_some(Origin::AfterWindow)\n",
    ),
    (
        "an office number taken for the user's own",
        "shared/src/domain/method.rs",
        "Some(PhoneType::Mobile | PhoneType::AlternateMobile))",
        "Some(_))",
    ),
    (
        "the date beats the administrator",
        ORIGIN,
        "        if let Some(act) = self.act_of_another(&method.kind) {\n",
        "        if let (Some(act), None) = (self.act_of_another(&method.kind), method.created) {\n",
    ),
    (
        "the log not asked about the user",
        HANDLING,
        """            if self.story.is_none() || !preflight.is_within(GOOD_FOR, now) {
                self.ask_the_log().await?;
""",
        "            if !preflight.is_within(GOOD_FOR, now) {\n",
    ),
    (
        "what the log tells of a user thrown away",
        HANDLING,
        "            story.add_to(&mut facts);\n",
        "",
    ),
    (
        "one property of the directory's records read",
        "shared/src/domain/story.rs",
        "        let shown = [had_flags, had_apps].into_iter().flatten();\n",
        "        let shown = [had_flags, had_apps.filter(|_| false)].into_iter().flatten();\n",
    ),
    (
        "an MFA user from before the window passed",
        RULES,
        "        match self.facts.story.stamp(&self.policy.window) {\n",
        "        match self.facts.story.stamp(&self.policy.window).filter(|(_, stamped)| *stamped) {\n",
    ),
    (
        "per-user MFA that was on meanwhile overlooked",
        RULES,
        "        match self.facts.story.required(&self.policy.window) {\n",
        "        match self.facts.story.required(&self.policy.window).filter(|_| false) {\n",
    ),
    (
        "two methods matched to one registration",
        ORIGIN,
        "            left.by_ref()\n",
        "            left.clone()\n",
    ),
    (
        "one approval taken for two",
        "shared/src/domain/approval.rs",
        "        if approval.is_given(approvers) { None } else { not_approved }\n",
        "        if approval.is_given(approvers.min(1)) { None } else { not_approved }\n",
    ),
    (
        "an approval covers what changed since the review",
        "shared/src/domain/approval.rs",
        "!methods.all(|method| approval.methods.shows(method))",
        "methods.next().is_none()",
    ),
    (
        "a straggler of the first plan goes without approval",
        "shared/src/domain/review.rs",
        "first.is_none_or(|made_at| self.first_seen_at <= made_at)",
        "first.is_none()",
    ),
    (
        "no second look",
        HANDLING,
        "    (!strong.all(is_known)).then_some(",
        "    (!strong.all(|method| is_known(method) || method.kind.is_strong())).then_some(",
    ),
    (
        "the memory overwritten with each look",
        "shared/src/domain/memory.rs",
        "        let before = self.looked_at.replace(now);\n",
        "        *self = Self::new(self.salt);\n        let before = self.looked_at.replace(now);\n",
    ),
    (
        "the password object trusted",
        "shared/src/decide/last_credential.rs",
        "            MethodKind::Password => issued.iter().all(|at| self.set_a_password_after(*at)),\n",
        "            MethodKind::Password => true,\n",
    ),
    (
        "an account of the window passed",
        RULES,
        "            Some(created) if created < self.policy.window.start => {\n",
        "            Some(created) if created > Timestamp::MIN => {\n",
    ),
    (
        "users who are asked for MFA anyway passed",
        "shared/src/domain/policies.rs",
        "            PolicyUsers::Only(users) => users.contains(&user),\n",
        "            PolicyUsers::Only(users) => users.is_empty(),\n",
    ),
    (
        "another ledger's rollback overlooked",
        RULES,
        "        let deletions = self.facts.acts.iter().filter(|act| act.act == Act::RolledBack);\n",
        "        let deletions = self.facts.acts.iter().filter(|act| act.act == Act::AccessPass);\n",
    ),
    (
        "a release covers what came after it",
        "shared/src/decide/record.rs",
        "self.released.contains(&reason) && self.released_look.is_some_and(|look| look.shows(method))",
        "self.released.contains(&reason) && (self.released_look.is_none() || !method.id.0.is_empty())",
    ),
    (
        "the second service not read",
        "shared/src/audit/service.rs",
        "            Self::AuthenticationMethods => Some(Self::AzureMfa),\n",
        "            Self::AuthenticationMethods => None,\n",
    ),
    (
        "eligible administrator missed",
        "shared/src/preflight.rs",
        '        Eligibilities::Known(grants) => take(grants, "eligible", &mut all),\n',
        '        Eligibilities::Known(grants) => take(grants.into_iter().take(0).collect(), "eligible", &mut all),\n',
    ),
    (
        "unreadable exclusion group passed",
        "shared/src/preflight.rs",
        """            faults.push(Fault::Settings { variable: "EXCLUDED_GROUP_ID", cause: cause.clone() });
            return Ok(Reading::Unknown(cause));
""",
        "            let _ = cause;\n",
    ),
    (
        "principal name not resolved before exclusion",
        "shared/src/preflight.rs",
        "                users.insert(found.body.id);\n",
        "                users.extend(if let UserRef::Id(_) = user { Some(found.body.id) } else { None });\n",
    ),
    (
        "mistyped id among the exclusions passed",
        "shared/src/preflight.rs",
        "                UserRef::Id(id) => id.to_string(),\n",
        "                UserRef::Id(_) => continue,\n",
    ),
    ("another tenant's ledger taken", LEDGER + "mod.rs", "        if bound == tenant {\n", "        if bound == bound {\n"),
    (
        "acknowledged before an outcome",
        "shared/src/drain/message.rs",
        "                Handled { interrupted: Some(cause), ..handled(Disposition::ComeBack(after)) }\n",
        "                let _ = after;\n                Handled { interrupted: Some(cause), ..handled(Disposition::Acknowledge) }\n",
    ),
    (
        "brake not looked at before a DELETE",
        "shared/src/drain/roll_back.rs",
        "            if self.process().ledger.brake().await?.value.is_open() {\n",
        "            if self.process().ledger.brake().await?.value.is_open() && self.brake_open {\n",
    ),
    (
        "stale reads decided on",
        "shared/src/drain/reads.rs",
        "FRESH_FOR: SignedDuration = SignedDuration::from_secs(5);",
        "FRESH_FOR: SignedDuration = SignedDuration::from_secs(60);",
    ),
    (
        "per-user MFA that cannot be told passes",
        "shared/src/decide/rules.rs",
        '            Reading::Known(PerUserMfa::Enforced) => no(NotEligible::PerUserMfa, "enforced"),\n',
        "            Reading::Known(PerUserMfa::Enforced) => pass(),\n",
    ),
    (
        "a release covers what is registered after it",
        "shared/src/domain/state.rs",
        "        self.release = None;\n        self.registrations\n",
        "        self.registrations\n",
    ),
    (
        "an old slot holds for ever",
        "shared/src/domain/brake.rs",
        "        now < shift(slot_at, DAY)\n",
        "        now < shift(slot_at, DAY * 30)\n",
    ),
    (
        "a lost message is never sent again",
        "shared/src/poll/promote.rs",
        "        promoted += self.wake_forgotten(now).await?;\n",
        "        let _ = self.wake_forgotten(now);\n",
    ),
    (
        "the gap of a broken page not put on record",
        SCAN,
        "            self.add_gap(position, scan.service, gap::around(broken, page, scan.range), broken.why);\n",
        "            let _ = (&position, gap::around(broken, page, scan.range));\n",
    ),
    (
        "a broken record not named",
        SCAN,
        "        } else if !broken.text.is_empty() {\n",
        "        } else if broken.text == broken.why {\n",
    ),
    (
        "a refused link taken for the end of the log",
        SCAN,
        "                    scan.next = None;\n                    if paging.is_stuck() {\n",
        """                    if !scan.next_service() {
                        return Ok(Some(scan));
                    }
                    if paging.is_stuck() {
""",
    ),
    (
        "a filter that finds nothing believed",
        SCAN,
        "                if is_whole_window && scan.found == 0 {\n",
        "                if is_whole_window && scan.found == u64::MAX {\n",
    ),
    (
        "a broken page taken for a user's whole story",
        "shared/src/graph/audit_logs.rs",
        """                return Ok(found.but(format!("a page is broken: {}", broken.why)));\n""",
        "                let _ = broken;\n                return Ok(found);\n",
    ),
    (
        "pages overlooked where the log cannot be asked by user",
        "shared/src/drain/bulk.rs",
        "            if let Some(missing) = found.missing {\n",
        "            if let Some(missing) = found.missing.filter(|_| pages == usize::MAX) {\n",
    ),
    (
        "a record of an app that was only used thrown away",
        "shared/src/domain/story.rs",
        "        is_first || change.is_change()\n",
        "        let _ = is_first;\n        change.is_change()\n",
    ),
    (
        "a claim taken for proof",
        "shared/src/domain/facts.rs",
        "        self.claim.as_ref().is_none_or(|claim| claim.vouched.is_some())\n",
        "        self.claim.as_ref().is_none_or(|claim| claim.vouched.is_some() || true)\n",
    ),
    (
        "people cleared by half a registration report",
        LEDGER + "registration_report.rs",
        "            RegistrationReportList::Partly\n",
        "            RegistrationReportList::Whole\n",
    ),
    (
        "a record that is read later stays unread",
        SCAN,
        "        self.intake().end_read(&read_now).await?;\n",
        "        let _ = read_now;\n",
    ),
    (
        "a gap closed that a sweep has met again",
        "shared/src/poll/position.rs",
        "|gap| gap.met_at >= began || ",
        "|gap| gap.met_at == Timestamp::MIN || ",
    ),
    (
        "exclusions and roles ten minutes old",
        HANDLING,
        """            if self.story.is_none() || !preflight.is_within(GOOD_FOR, now) {
                self.ask_the_log().await?;
                preflight = drain.process.preflight_within(GOOD_FOR).await?;
""",
        """            if self.story.is_none() {
                self.ask_the_log().await?;
                preflight = drain.process.preflight().await?;
""",
    ),
    (
        "Conditional Access not asked",
        HANDLING,
        " && !questions.is_empty() {\n",
        " && questions.len() > 2 {\n",
    ),
    (
        "What If answers for nobody in particular",
        "shared/src/drain/what_if.rs",
        "                Ok(Some(policy)) => WhatIf::Demanded(policy),\n",
        "                Ok(Some(_)) => WhatIf::Nothing,\n",
    ),
    (
        "kept methods listed in the intent",
        "shared/src/drain/promise.rs",
        "                    methods.iter().cloned().partition(|method| decision.keeps(&method.name()));\n",
        "                    methods.iter().cloned().partition(|_| false);\n",
    ),
    (
        "a change of the default method not put on record",
        "shared/src/drain/default_method.rs",
        """            let written =
                process.ledger.write_intent(&mut self.leased.state, changing, true, limits, drain.run_id);
            match written.await? {
""",
        """            let _ = limits;
            match Ok::<_, Break>(IntentWritten::Durable(DurableIntent::of(user, changing)))? {
""",
    ),
    (
        "password counts although a pass was issued later",
        "shared/src/decide/last_credential.rs",
        "is_some_and(|(issued, changed)| changed > issued)",
        "is_some_and(|(issued, changed)| changed < issued)",
    ),
]


def copy():
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    shutil.rmtree(TREE, ignore_errors=True)
    for name in files:
        source, copied = ROOT / name, TREE / name
        if source.is_file():
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copied)


def schedules(count):
    environment = dict(os.environ, CARGO_TARGET_DIR=str(TARGET), RUST_BACKTRACE="0")
    build = subprocess.run(
        # Most faults are caught early, so that building takes longer than running.
        ["cargo", "build", "--quiet", "--bin", "faults", "--config", "profile.dev.package.faults.opt-level=1"],
        cwd=TREE,
        env=environment,
        capture_output=True,
        text=True,
    )
    if build.returncode != 0:
        sys.exit(f"it does not compile:\n{build.stderr}")
    return subprocess.run(
        [TARGET / "debug" / "faults", str(count), "--first"], env=environment, capture_output=True, text=True
    )


def caught_by(output):
    """The first seed, the property it broke, and how many schedules ran until then."""
    seed = re.search(r"^seed (\d+):\n  (.*)", output, re.MULTILINE)
    ran = re.search(r"^(\d+) schedules in", output, re.MULTILINE)
    what = re.sub(r" at \S+Z", "", seed[2])[:70] if seed else "?"
    return (ran[1] if ran else "?", seed[1] if seed else "?", what)


def main():
    wanted = sys.argv[1:]
    mutations = [m for m in MUTATIONS if not wanted or any(name in m[0] for name in wanted)]
    copy()
    slipped = 0
    for name, file, before, after in mutations:
        path = TREE / file
        text = path.read_text()
        if text.count(before) != 1:
            sys.exit(f"{name}: {file} has changed: what is to be replaced stands there {text.count(before)} times")
        path.write_text(text.replace(before, after))
        begun = time.monotonic()
        run = schedules(SCHEDULES)
        path.write_text(text)
        seconds = time.monotonic() - begun
        if run.returncode == 0:
            slipped += 1
            print(f"SLIPPED  {name} ({SCHEDULES} schedules, {seconds:.0f} s)", flush=True)
        else:
            ran, seed, what = caught_by(run.stdout)
            print(f"caught   {name}: after {ran} schedules, seed {seed}: {what} ({seconds:.0f} s)", flush=True)
    print(f"{len(mutations) - slipped} of {len(mutations)} faults caught")
    sys.exit(1 if slipped else 0)


if __name__ == "__main__":
    main()
