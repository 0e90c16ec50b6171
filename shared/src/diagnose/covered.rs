//! Whether the authentication methods policy lets this user register a method.

use super::facts::{Covered, Facts};
use crate::domain::{
    facts::Reading,
    methods_policy::{MethodSetting, Target, Targets},
};

impl Facts {
    /// Whether a method is enabled for the user by its setting.
    pub(super) fn enabled(&self, setting: &MethodSetting) -> Covered {
        if !setting.enabled {
            return Covered::No(format!("{} is off", setting.name));
        }
        let named = |text: String| format!("{} {text}", setting.name);
        match self.covered(&setting.targets) {
            Covered::Yes(_) if setting.self_service == Some(false) => {
                Covered::No(named("is on, but users may not set it up by themselves".to_owned()))
            }
            Covered::Yes(why) => Covered::Yes(named(format!("is on {why}"))),
            Covered::No(why) => Covered::No(named(format!("is on, but {why}"))),
            Covered::Unknown(why) => Covered::Unknown(named(format!("is on, but {why}"))),
        }
    }

    /// Whether targets name the user. Being left out counts more than being named.
    pub(super) fn covered(&self, targets: &Targets) -> Covered {
        let mut unclear = None;
        for target in &targets.exclude {
            match self.holds(*target) {
                Reading::Known(true) => {
                    return Covered::No(format!("{} is left out, and the user with it", self.name(*target)));
                }
                Reading::Known(false) => {}
                Reading::Unknown(why) => unclear = Some(why),
            }
        }
        if let Some(why) = unclear {
            return Covered::Unknown(why);
        }
        for target in &targets.include {
            match self.holds(*target) {
                Reading::Known(true) => return Covered::Yes(format!("for {}", self.name(*target))),
                Reading::Known(false) => {}
                Reading::Unknown(why) => unclear = Some(why),
            }
        }
        if let Some(why) = unclear {
            return Covered::Unknown(why);
        }
        let names: Vec<String> = targets.include.iter().map(|target| self.name(*target)).collect();
        if names.is_empty() {
            return Covered::No("it is for nobody".to_owned());
        }
        Covered::No(format!("only for {}, and the user is not in it", names.join(", ")))
    }

    fn holds(&self, target: Target) -> Reading<bool> {
        match target {
            Target::Everybody => Reading::Known(true),
            Target::User(user) => Reading::Known(user == self.user_id),
            Target::Group(id) => match self.groups.get(&id) {
                Some(group) => group.holds.clone(),
                None => Reading::Unknown(format!("group {id} was not looked at")),
            },
        }
    }

    fn name(&self, target: Target) -> String {
        match target {
            Target::Everybody => "everybody".to_owned(),
            Target::User(user) => format!("user {user}"),
            Target::Group(id) => {
                let name = self.groups.get(&id).map(|group| group.name.as_str());
                format!("group {}", name.unwrap_or(&id.to_string()))
            }
        }
    }
}
