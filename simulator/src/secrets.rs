//! What a program that works with this tenant must never reveal.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The client secret, the access tokens, the phone numbers and the principal names of a tenant at one moment,
/// in the forms in which they might leak.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    forms: BTreeSet<(&'static str, String)>,
}

impl Secrets {
    /// Adds the secrets of `others`, such as those of another moment.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.forms.extend(others.forms);
        self
    }

    /// Removes the secrets of one kind, such as `a phone number`.
    #[must_use]
    pub fn but(mut self, what: &str) -> Self {
        self.forms.retain(|(kind, _)| *kind != what);
        self
    }

    /// Counts the forms of one kind.
    pub fn count(&self, what: &str) -> usize {
        self.forms.iter().filter(|(kind, _)| *kind == what).count()
    }

    /// Returns the first secret that `text` reveals: its kind, and the form that was found.
    pub fn told_in(&self, text: &[u8]) -> Option<(&'static str, &str)> {
        let text = String::from_utf8_lossy(text).to_lowercase();
        // Numbers are written with all sorts of things between their digits.
        let dense: String = text.chars().filter(|c| !" -()./".contains(*c)).collect();
        self.forms
            .iter()
            .find(|(what, form)| text.contains(form) || *what == "a phone number" && dense.contains(form))
            .map(|(what, form)| (*what, form.as_str()))
    }

    /// Adds a secret in all its forms.
    pub(crate) fn add(&mut self, what: &'static str, secret: &str) {
        let mut forms = vec![secret.to_owned(), utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string()];
        if what != "a phone number" {
            // In base64 at any offset. The ends are cut off, since they depend on what is next to it.
            let encoded = (0..3).map(|pad| STANDARD.encode([&vec![b' '; pad], secret.as_bytes()].concat()));
            forms.extend(encoded.filter_map(|text| text.get(4..text.len() - 4).map(str::to_owned)));
        }
        self.forms
            .extend(forms.into_iter().filter(|form| form.len() >= 8).map(|form| (what, form.to_lowercase())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewMethod, NewUser, Options, PhoneType, Tenant};

    #[test]
    fn every_form_is_found_and_nothing_else() {
        let now = "2026-03-01T00:00:00Z".parse().unwrap();
        let mut options = Options::new(1, move || now);
        "s3cret~of.the-app".clone_into(&mut options.client_secret);
        let tenant = Tenant::new(options);
        let user = tenant.add_user(NewUser::named("alice@contoso.example"));
        tenant.register_at(user, NewMethod::phone(PhoneType::Mobile, "+1 2065550100"), now, now);
        let secrets = tenant.secrets();
        let wrapped = STANDARD.encode("client:s3cret~of.the-app;");
        for (what, text) in [
            ("the client secret", "client_secret=s3cret%7Eof%2Ethe%2Dapp"),
            ("the client secret", wrapped.as_str()),
            ("a phone number", "tel:(206) 555-0100"),
            ("a phone number", "12065550100"),
            ("a principal name", "GET /users/Alice%40contoso%2Eexample"),
        ] {
            assert_eq!(secrets.told_in(text.as_bytes()).map(|found| found.0), Some(what), "{text}");
        }
        assert_eq!(secrets.told_in(b"a user of contoso.example with a phone that ends in 00"), None);
    }
}
