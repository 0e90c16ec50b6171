//! Texts for users, one for each, from what is on record about them. Nothing is sent.

use shared::{
    domain::{
        ids::UserId,
        method::MethodKind,
        outcome::{Held, NotEligible, Outcome},
    },
    view::Line,
};

/// What a text is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Methods are about to be taken off.
    Before,
    /// They were taken off.
    Done,
    /// A person has to look first.
    Held,
    /// MFA is demanded of them all the same.
    AskedAnyway,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Before, Self::Done, Self::Held, Self::AskedAnyway];

    /// What to write to whoever has this outcome; `None` if there is nothing to tell.
    fn of(outcome: Outcome) -> Option<Self> {
        match outcome {
            Outcome::WouldRollBack | Outcome::Deferred(_) => Some(Self::Before),
            Outcome::RolledBack => Some(Self::Done),
            Outcome::NotEligible(NotEligible::PerUserMfa)
            | Outcome::Held(Held::MfaRequired | Held::MfaWasMeant) => Some(Self::AskedAnyway),
            Outcome::Partial(_)
            | Outcome::Failed(_)
            | Outcome::NotEligible(_)
            | Outcome::Held(Held::AccountDisabled | Held::AmbiguousEvent) => None,
            Outcome::Held(_) => Some(Self::Held),
        }
    }

    #[cfg(test)]
    fn title(self) -> &'static str {
        match self {
            Self::Before => "Who is about to be rolled back",
            Self::Done => "Who was rolled back",
            Self::Held => "Who is held",
            Self::AskedAnyway => "Who will be asked anyway",
        }
    }

    fn subject(self) -> &'static str {
        match self {
            Self::Before => "Your sign-in at COMPANY changes on DATE",
            Self::Done => "Your sign-in at COMPANY has changed",
            Self::Held => "We are looking at your sign-in at COMPANY",
            Self::AskedAnyway => "Your sign-in at COMPANY stays as it is",
        }
    }
}

/// A paragraph, whom it is for, and when it belongs to a text.
struct Part {
    kinds: &'static [Kind],
    /// In words for the document; empty if always.
    #[cfg_attr(not(test), expect(dead_code, reason = "the document shows it"))]
    when: &'static str,
    holds: fn(&Mail) -> bool,
    text: &'static str,
}

const PARTS: &[Part] = &[
    Part {
        kinds: &[Kind::Before],
        when: "",
        holds: |_| true,
        text: "Some weeks ago you set up METHODS for signing in at COMPANY. You were asked to in a trial which has ended, \
               and it should not have stayed on. On DATE we take it off again. From then on you sign in with your password, \
               as before. You need not do anything.",
    },
    Part {
        kinds: &[Kind::Done],
        when: "",
        holds: |_| true,
        text: "Some weeks ago you set up METHODS for signing in at COMPANY. You were asked to in a trial which has ended, \
               and it should not have stayed on. We have taken it off again. You sign in with your password, as before, and \
               need not do anything.",
    },
    Part {
        kinds: &[Kind::Held],
        when: "",
        holds: |_| true,
        text: "Some weeks ago you set up a phone number or an app for signing in at COMPANY. You were asked to in a trial \
               which has ended. For many we take it off again by a program; for you a person looks first, so that you do not \
               lose what you need. Until then everything stays as it is, and you may be asked for a second step when you \
               sign in. Please use it.",
    },
    Part {
        kinds: &[Kind::AskedAnyway],
        when: "",
        holds: |_| true,
        text: "Some weeks ago you set up a phone number or an app for signing in at COMPANY. That was part of a trial which \
               has ended. COMPANY asks you for a second step all the same, because your work needs it. Please keep the \
               number or app: without it you could not sign in.",
    },
    Part {
        kinds: &[Kind::Before, Kind::Done],
        when: "password reset loses something",
        holds: |mail| mail.sspr == Some(true),
        text: "\"Forgot my password\" loses it, too. Should you want to reset your password by yourself later, register again \
               at https://aka.ms/ssprsetup, which you can type in by hand.",
    },
    Part {
        kinds: &[Kind::Before, Kind::Done],
        when: "it is not known whether password reset does",
        holds: |mail| mail.sspr.is_none(),
        text: "If you use \"Forgot my password\": what you set up is removed there, too. Should you want to reset your \
               password by yourself later, register again at https://aka.ms/ssprsetup, which you can type in by hand.",
    },
    Part {
        kinds: &[Kind::Before, Kind::Done],
        when: "an Authenticator goes",
        holds: |mail| mail.methods.contains(&MethodKind::MicrosoftAuthenticator),
        text: "The Authenticator app may show your COMPANY account for some time although it asks for nothing any more. Leave \
               it there: a passkey of yours may be kept in it, and would be gone with it. If you never made one, you may \
               remove the account.",
    },
    Part {
        kinds: &[Kind::Before, Kind::Done],
        when: "an app with codes goes",
        holds: |mail| mail.methods.contains(&MethodKind::SoftwareOath),
        text: "The codes that an app shows for COMPANY do not work any more. You may delete that entry.",
    },
    Part {
        kinds: &[Kind::Before, Kind::Done],
        when: "something that can do MFA stays",
        holds: |mail| mail.still_can_do_mfa,
        text: "Your key, token or device that can confirm a sign-in stays as it is.",
    },
    Part {
        kinds: &Kind::ALL,
        when: "",
        holds: |_| true,
        text: "Nobody will call you about this, and nobody from COMPANY or Microsoft will ever ask you for a code, a password \
               or an approval. Whoever does so is trying to get into your account: tell SECURITY CONTACT.",
    },
    Part { kinds: &Kind::ALL, when: "", holds: |_| true, text: "Questions: HELP DESK, PHONE, HOURS." },
];

/// What is written to one user.
#[derive(Debug)]
pub(super) struct Mail {
    /// Whom it is for.
    pub(super) user: UserId,
    name: Option<String>,
    kind: Kind,
    /// What goes or went.
    methods: Vec<MethodKind>,
    /// Whether password reset loses something; `None` if that is not known.
    sspr: Option<bool>,
    still_can_do_mfa: bool,
}

impl Mail {
    /// What to write to a user; `None` if there is nothing to tell.
    pub(super) fn to(line: &Line) -> Option<Self> {
        let outcome = match &line.reason {
            Some(reason) => format!("{}({reason})", line.outcome),
            None => line.outcome.clone(),
        };
        let kind = Kind::of(outcome.parse().ok()?)?;
        let decision = line.decision.as_ref();
        let consequences = decision.and_then(|decision| decision.consequences.as_ref());
        let mut methods: Vec<MethodKind> = if kind == Kind::Done {
            line.methods_deleted.iter().map(|method| method.kind.clone()).collect()
        } else {
            let goes = decision.iter().flat_map(|decision| &decision.methods);
            goes.filter(|found| found.held.is_none() && !found.kept)
                .map(|found| found.method.kind.clone())
                .collect()
        };
        methods.sort();
        methods.dedup();
        Some(Self {
            user: line.user_id?,
            name: line.user_principal_name.clone(),
            kind,
            methods,
            sspr: consequences.and_then(|it| it.sspr_loses.as_ref()).map(|kinds| !kinds.is_empty()),
            still_can_do_mfa: consequences.is_some_and(|it| !it.still_can_do_mfa.is_empty()),
        })
    }

    /// The whole text; `asked` is what the tenant says is the user's principal name.
    pub(super) fn text(&self, asked: Option<&str>) -> String {
        let to = asked.or(self.name.as_deref()).map(crate::output::plain);
        let parts = PARTS.iter().filter(|part| part.kinds.contains(&self.kind) && (part.holds)(self));
        let paragraphs: Vec<String> =
            parts.map(|part| part.text.replace("METHODS", &self.methods())).collect();
        let (user, subject) = (self.user, self.kind.subject());
        let to = to.map_or_else(|| user.to_string(), |name| format!("{name} ({user})"));
        format!("To: {to}\nSubject: {subject}\n\n{}\n\n-- \n", paragraphs.join("\n\n"))
    }

    fn methods(&self) -> String {
        let words: Vec<&str> = self
            .methods
            .iter()
            .map(|kind| match kind {
                MethodKind::Phone => "a phone number",
                MethodKind::MicrosoftAuthenticator => "the Microsoft Authenticator app",
                _ => "an app with codes",
            })
            .collect();
        match words.as_slice() {
            [] => "a phone number or an app".to_owned(),
            [one] => (*one).to_owned(),
            [others @ .., last] => format!("{} and {last}", others.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/tell-users.md");

    const HEAD: &str = "# Texts for users

`mfa-rollback report --format mail` writes one text for each user who has to be told something, with the paragraphs that
apply; nothing is sent. `--outcome would_roll_back` writes to those who are about to be rolled back, `--held` to those who
are held. Put in what stands in CAPITALS, and send it from an address that users know, without a link to sign in.

A test makes this page from the code (`MFA_ROLLBACK_WRITE_DOCS=true cargo test the_texts`).
";

    const TAIL: &str = "
## Nobody is written to

Whoever is partial or failed: the help desk looks first. Whoever has no method, no account, or a disabled one.

## For the help desk

A user who is still asked for MFA after DATE is not rolled back yet or is meant to use MFA.
`mfa-rollback explain USER_ID` says which.
";

    #[test]
    fn the_texts_are_those_of_the_document() {
        let mut page = HEAD.to_owned();
        for kind in Kind::ALL {
            writeln!(page, "\n## {}\n\n**Subject: {}**", kind.title(), kind.subject()).unwrap();
            for part in PARTS.iter().filter(|part| part.kinds.contains(&kind)) {
                let when = if part.when.is_empty() { String::new() } else { format!("*If {}:* ", part.when) };
                writeln!(page, "\n{when}{}", part.text).unwrap();
            }
        }
        page.push_str(TAIL);
        if shared::settings::environment("MFA_ROLLBACK_WRITE_DOCS").as_deref() == Some("true") {
            std::fs::write(DOCUMENT, &page).unwrap();
        }
        let kept = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
        assert_eq!(kept, page, "docs/tell-users.md is not up to date (see this test)");
    }

    fn line(outcome: &str, reason: Option<&str>) -> Line {
        Line {
            user_id: "3b1f0c52-7a44-4e0d-9c15-5d2a6e8f9011".parse().ok(),
            outcome: outcome.to_owned(),
            reason: reason.map(str::to_owned),
            ..Line::default()
        }
    }

    #[test]
    fn each_user_gets_the_paragraphs_that_apply_and_no_others() {
        let mail = Mail {
            methods: vec![MethodKind::Phone, MethodKind::SoftwareOath],
            sspr: Some(false),
            ..Mail::to(&line("rolled_back", None)).unwrap()
        };
        let text = mail.text(Some("ada@contoso.example"));
        assert!(text.starts_with("To: ada@contoso.example (3b1f0c52-"), "{text}");
        assert!(
            text.contains("set up a phone number and an app with codes")
                && text.contains("The codes that an app")
        );
        assert!(!text.contains("Forgot my password") && !text.contains("Authenticator"), "{text}");
        let text = Mail { sspr: Some(true), ..mail }.text(None);
        assert!(text.contains("\"Forgot my password\" loses it, too"), "{text}");
    }

    #[test]
    fn who_is_asked_anyway_keeps_the_method_and_who_has_nothing_is_not_written_to() {
        let asked = Mail::to(&line("held", Some("mfa_required"))).unwrap().text(None);
        assert!(asked.contains("Please keep") && !asked.contains("Forgot"), "{asked}");
        let held = Mail::to(&line("held", Some("administrator"))).unwrap().text(None);
        assert!(held.contains("a person looks first"), "{held}");
        for (outcome, reason) in
            [("not_eligible", "no_strong_methods"), ("partial", "still_listed"), ("held", "account_disabled")]
        {
            assert!(Mail::to(&line(outcome, Some(reason))).is_none(), "{outcome}({reason})");
        }
    }
}
