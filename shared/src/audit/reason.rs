//! The kinds of method that a registration's reason names.

use crate::{domain::method::MethodKind, text::clip};

/// The kinds of method that a reason names, each once and in a fixed order; empty if it names none.
///
/// Decisions rest mostly on the strong kinds, so these are matched narrowly; the others are mostly for people
/// to read. Graph may list an Authenticator app that shows codes as either of two kinds, so it names both.
pub fn kinds_named(reason: &str) -> Vec<MethodKind> {
    let reason = clip(reason, 1000).to_lowercase();
    let words: Vec<&str> =
        reason.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let says = |phrase: &[&str]| words.windows(phrase.len()).any(|run| run == phrase);

    let mut kinds = Vec::new();
    let with_notification = says(&["authenticator", "app", "with", "notification"]);
    let with_code = says(&["authenticator", "app", "with", "code"])
        || says(&["authenticator", "app", "with", "notification", "and", "code"]);
    if names_a_phone(&words) {
        kinds.push(MethodKind::Phone);
    }
    if with_notification || with_code {
        kinds.push(MethodKind::MicrosoftAuthenticator);
    }
    if with_code {
        kinds.push(MethodKind::SoftwareOath);
    }
    if says(&["email"]) || says(&["e", "mail"]) {
        kinds.push(MethodKind::Email);
    }
    if says(&["fido2"]) || says(&["passkey"]) {
        kinds.push(MethodKind::Fido2);
    }
    if says(&["windows", "hello"]) {
        kinds.push(MethodKind::WindowsHelloForBusiness);
    }
    if says(&["temporary", "access", "pass"]) {
        kinds.push(MethodKind::TemporaryAccessPass);
    }
    if says(&["hardware", "token"]) || says(&["hardware", "oath"]) {
        kinds.push(MethodKind::HardwareOath);
    }
    if says(&["security", "questions"]) || says(&["security", "question"]) {
        kinds.push(MethodKind::Unknown("securityQuestions".to_owned()));
    }
    if says(&["app", "password"]) {
        kinds.push(MethodKind::Unknown("appPassword".to_owned()));
    }
    kinds
}

/// Whether the words name a phone that is called or sent texts, not the app's "phone sign-in" or "phone app".
fn names_a_phone(words: &[&str]) -> bool {
    let of_the_app = words.contains(&"authenticator") || words.contains(&"passwordless");
    !of_the_app
        && words.iter().enumerate().any(|(at, word)| {
            *word == "phone" && !matches!(words.get(at + 1), Some(&("sign" | "signin" | "app")))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use MethodKind::{
        Email, Fido2, HardwareOath, MicrosoftAuthenticator, Phone, SoftwareOath, TemporaryAccessPass,
    };

    #[test]
    fn each_reason_seen_names_its_kinds() {
        let unknown = |name: &str| MethodKind::Unknown(name.to_owned());
        for (reason, kinds) in [
            ("User registered Mobile Phone SMS", vec![Phone]),
            ("User registered Mobile Phone Call and SMS", vec![Phone]),
            ("User registered Alternate Mobile Phone Call", vec![Phone]),
            ("User registered Office Phone.", vec![Phone]),
            ("User registered \"Phone\".", vec![Phone]),
            ("user registered ALTERNATE PHONE", vec![Phone]),
            ("User registered Authenticator App with Notification", vec![MicrosoftAuthenticator]),
            ("User registered Authenticator App with Code", vec![MicrosoftAuthenticator, SoftwareOath]),
            (
                "User registered Authenticator App with Notification and Code",
                vec![MicrosoftAuthenticator, SoftwareOath],
            ),
            ("User registered Email", vec![Email]),
            ("User registered Fido2 Authentication Method", vec![Fido2]),
            ("User registered temporary access pass method", vec![TemporaryAccessPass]),
            ("User registered Security questions.", vec![unknown("securityQuestions")]),
            ("User registered App Password", vec![unknown("appPassword")]),
            ("User registered Hardware Token", vec![HardwareOath]),
        ] {
            assert_eq!(kinds_named(reason), kinds, "{reason}");
        }
    }

    #[test]
    fn anything_else_names_none() {
        for reason in [
            "",
            "User registered all required security info.",
            "User registered Authenticator app",
            "User registered passwordless phone sign-in",
            "User registered phone app notification",
            "User registered Microphone",
            "User registered Authenticator App with Biometrics",
        ] {
            assert_eq!(kinds_named(reason), vec![], "{reason}");
        }
    }
}
