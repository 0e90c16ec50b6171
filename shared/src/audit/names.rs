//! The names of the properties and columns that are read, in every spelling that has been seen.
//!
//! Names are compared as [`plain`] makes them: without case, blanks and punctuation. So `activityDateTime`,
//! `ActivityDateTime`, `activity_date_time` and `Activity Date Time` are one name.

use std::{cell::RefCell, sync::LazyLock};

/// A property or column that this program reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    ActivityDateTime,
    /// When a product took the record up: stands in for a missing `activityDateTime`.
    TimeGenerated,
    ActivityDisplayName,
    OperationName,
    Category,
    LoggedByService,
    Result,
    ResultReason,
    InitiatedBy,
    ActorType,
    ActorId,
    ActorName,
    ActorApp,
    AppId,
    AppName,
    TargetResources,
    Properties,
    Operation,
    CreationTime,
    Actor,
    Target,
    ResultStatus,
    Workload,
    ModifiedProperties,
}

/// How many fields there are.
pub(super) const COUNT: usize = TABLE.len();

/// Each field with its names, the one that counts most first.
pub(super) const TABLE: [(Field, &[&str]); 25] = [
    (Field::Id, &["id"]),
    (Field::ActivityDateTime, &["activityDateTime", "ActivityDateTime [UTC]", "Date (UTC)", "Date"]),
    (Field::TimeGenerated, &["TimeGenerated", "TimeGenerated [UTC]", "@timestamp", "time"]),
    (Field::ActivityDisplayName, &["activityDisplayName", "Activity"]),
    (Field::OperationName, &["operationName"]),
    (Field::Category, &["category"]),
    (Field::LoggedByService, &["loggedByService", "Service"]),
    (Field::Result, &["result", "Status"]),
    (Field::ResultReason, &["resultReason", "Status reason", "resultDescription"]),
    (Field::InitiatedBy, &["initiatedBy"]),
    (Field::ActorType, &["ActorType"]),
    (Field::ActorId, &["ActorObjectId", "initiatedBy.user.id"]),
    (Field::ActorName, &["ActorUserPrincipalName", "initiatedBy.user.userPrincipalName"]),
    (Field::ActorApp, &["ActorServicePrincipalId", "initiatedBy.app.servicePrincipalId"]),
    (Field::AppId, &["initiatedBy.app.appId"]),
    (Field::AppName, &["initiatedBy.app.displayName"]),
    (Field::TargetResources, &["targetResources"]),
    (Field::Properties, &["properties"]),
    (Field::Operation, &["Operation"]),
    (Field::CreationTime, &["CreationTime"]),
    (Field::Actor, &["Actor"]),
    (Field::Target, &["Target"]),
    (Field::ResultStatus, &["ResultStatus"]),
    (Field::Workload, &["Workload"]),
    (Field::ModifiedProperties, &["ModifiedProperties"]),
];

/// What is before the name of a property that was taken out of the objects around it.
const PREFIXES: [&str; 3] = ["azureauditlogsproperties", "azureauditlogs", "properties"];

/// A part of one target resource that has a column of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetPart {
    Id,
    Kind,
    Name,
    /// A part of one of its `modifiedProperties`, by the property's number.
    Property(usize, PropertyPart),
}

/// A part of a property that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PropertyPart {
    Name,
    Old,
    New,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// A field, and the place of the name among the field's names: the lowest counts.
    Field(Field, u8),
    /// A part of a target resource; the first is 0.
    Target(usize, TargetPart),
}

/// Names longer than this are none of those that are read.
const LONGEST: usize = 64;
/// More targets than this have no columns of their own.
const TARGETS: usize = 32;

/// A name in lower case, with nothing but letters and digits.
pub(super) struct Plain {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Plain {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// The plain form of a name; an empty one if the name is too long to be known. Letters other than ASCII stay
/// as they are.
pub(super) fn plain(name: &[u8]) -> Plain {
    let mut plain = Plain { bytes: [0; LONGEST], length: 0 };
    for byte in name {
        if byte.is_ascii_alphanumeric() || !byte.is_ascii() {
            let Some(place) = plain.bytes.get_mut(plain.length) else {
                plain.length = 0;
                return plain;
            };
            *place = byte.to_ascii_lowercase();
            plain.length += 1;
        }
    }
    plain
}

/// Whether a name is the known one, whose plain form is given.
pub(super) fn is(name: &str, known: &str) -> bool {
    plain(name.as_bytes()).as_bytes() == known.as_bytes()
}

/// Names, each with what it stands for, in the order in which they came first.
#[derive(Default)]
struct Memory {
    names: Vec<(Box<str>, Option<Known>)>,
    /// The place of the name that should come next.
    next: usize,
}

/// More names than this are not remembered.
const MOST_REMEMBERED: usize = 128;

impl Memory {
    fn known(&mut self, name: &str) -> Option<Known> {
        if name.len() > LONGEST {
            return look_up(name);
        }
        let is_it = |(its, _): &(Box<str>, _)| **its == *name;
        if !self.names.get(self.next).is_some_and(is_it) {
            self.next = self.names.iter().position(is_it).unwrap_or_else(|| {
                if self.names.len() == MOST_REMEMBERED {
                    self.names.clear();
                }
                self.names.push((name.into(), look_up(name)));
                self.names.len() - 1
            });
        }
        let known = self.names[self.next].1;
        self.next += 1;
        known
    }
}

/// What a name stands for, if it is known. The records of a file have the same names in the same order, so that most
/// are known from the record before.
pub(super) fn known(name: &str) -> Option<Known> {
    thread_local!(static LAST: RefCell<Memory> = RefCell::default());
    LAST.with_borrow_mut(|last| last.known(name))
}

fn look_up(name: &str) -> Option<Known> {
    let plain = plain(name.as_bytes());
    let plain = plain.as_str();
    let rest = PREFIXES.iter().find_map(|prefix| plain.strip_prefix(prefix).filter(|rest| !rest.is_empty()));
    let plain = rest.unwrap_or(plain);
    field(plain).or_else(|| target(plain))
}

fn field(plain: &str) -> Option<Known> {
    static SORTED: LazyLock<Vec<(String, Known)>> = LazyLock::new(|| {
        let mut names: Vec<(String, Known)> = TABLE
            .iter()
            .flat_map(|(field, names)| {
                (0..).zip(*names).map(|(rank, name)| {
                    (self::plain(name.as_bytes()).as_str().to_owned(), Known::Field(*field, rank))
                })
            })
            .collect();
        names.sort_by(|(left, _), (right, _)| left.cmp(right));
        names
    });
    let at = SORTED.binary_search_by(|(name, _)| name.as_str().cmp(plain)).ok()?;
    Some(SORTED[at].1)
}

/// A column of the portal (`Target1ObjectId`, counted from 1) or a flattened property
/// (`targetResources.0.id`, counted from 0).
fn target(plain: &str) -> Option<Known> {
    let rest = plain.strip_prefix("target")?;
    let (rest, first) = rest.strip_prefix("resources").map_or((rest, 1), |rest| (rest, 0));
    let part_at = rest.find(|c: char| !c.is_ascii_digit())?;
    let (number, part) = rest.split_at(part_at);
    let part = match part {
        "id" | "objectid" => TargetPart::Id,
        "type" => TargetPart::Kind,
        "userprincipalname" => TargetPart::Name,
        _ => property(part)?,
    };
    let number: usize = if number.is_empty() { first } else { number.parse().ok()? };
    number.checked_sub(first).filter(|number| *number < TARGETS).map(|number| Known::Target(number, part))
}

/// A column of the portal (`ModifiedProperty1OldValue`) or a flattened property (`modifiedProperties.0.oldValue`).
fn property(part: &str) -> Option<TargetPart> {
    let rest = part.strip_prefix("modifiedpropert")?;
    let rest = rest.strip_prefix("ies").or_else(|| rest.strip_prefix('y'))?;
    let (number, part) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
    let part = match part {
        "name" | "displayname" => PropertyPart::Name,
        "oldvalue" => PropertyPart::Old,
        "newvalue" => PropertyPart::New,
        _ => return None,
    };
    let number = number.parse().ok().filter(|number| *number <= TARGETS)?;
    Some(TargetPart::Property(number, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_fields_and_no_name_means_two() {
        let mut seen = std::collections::BTreeMap::new();
        for (place, (field, names)) in TABLE.iter().enumerate() {
            assert_eq!(*field as usize, place);
            for name in *names {
                let plain = plain(name.as_bytes()).as_str().to_owned();
                assert!(!plain.is_empty(), "{name}");
                assert_eq!(*seen.entry(plain).or_insert(*field), *field, "{name}");
            }
        }
    }

    #[test]
    fn a_name_is_known_in_any_spelling() {
        for name in [
            "activityDateTime",
            "ActivityDateTime",
            "activity_date_time",
            "activity_datetime",
            "Activity Date Time",
            "properties.activityDateTime",
            "azure.auditlogs.properties.activity_datetime",
        ] {
            assert_eq!(known(name), Some(Known::Field(Field::ActivityDateTime, 0)), "{name}");
        }
        for (name, expected) in [
            ("Target1ObjectId", Known::Target(0, TargetPart::Id)),
            ("Target2 Type", Known::Target(1, TargetPart::Kind)),
            ("Target.User Principal Name", Known::Target(0, TargetPart::Name)),
            ("targetResources.0.id", Known::Target(0, TargetPart::Id)),
            ("target_resources[3].type", Known::Target(3, TargetPart::Kind)),
            (
                "Target1ModifiedProperty2OldValue",
                Known::Target(0, TargetPart::Property(2, PropertyPart::Old)),
            ),
            (
                "targetResources.0.modifiedProperties.1.displayName",
                Known::Target(0, TargetPart::Property(1, PropertyPart::Name)),
            ),
            ("Status reason", Known::Field(Field::ResultReason, 1)),
            ("properties", Known::Field(Field::Properties, 0)),
        ] {
            assert_eq!(known(name), Some(expected), "{name}");
        }
        for name in ["", "targets", "Target99999ObjectId", "Target0ObjectId", "ID2", &"x".repeat(100)] {
            assert_eq!(known(name), None, "{name}");
        }
    }

    #[expect(clippy::disallowed_methods, reason = "it is a setting of the test")]
    fn writes() -> bool {
        std::env::var("MFA_ROLLBACK_WRITE_DOCS").is_ok_and(|value| value == "true")
    }

    #[test]
    fn the_document_lists_every_name() {
        const MARK: &str = "<!-- names -->\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/exports.md");
        let page = std::fs::read_to_string(path).unwrap();
        let text = page.split_once(MARK).unwrap().0;
        let rows = TABLE.iter().map(|(_, names)| {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("| {} | {} |\n", names[0], names[1..].join(", "))
        });
        let table: String = rows.collect();
        let expected = format!("{text}{MARK}\n| Name | Also |\n|---|---|\n{table}");
        if writes() {
            std::fs::write(path, &expected).unwrap();
        }
        assert_eq!(
            page, expected,
            "MFA_ROLLBACK_WRITE_DOCS=true cargo test the_document_lists writes it anew"
        );
    }
}
