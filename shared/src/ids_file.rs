//! Users that a person names: in a text file, as editors, scripts and directories write them, or in a list.

use std::{
    collections::HashSet,
    io::{self, Read},
};

use encoding_rs_io::DecodeReaderBytes;
use uuid::Uuid;

use crate::domain::user_ref::UserRef;

/// A line longer than this, in bytes, cannot be an id.
const LONGEST_LINE: usize = 1024;
/// More users than this on one line are no list that a person made.
const MOST_ON_A_LINE: usize = 10_000;
/// What headings call users, without case, blanks and punctuation; object ids first, since they count more.
const HEADINGS: [&str; 12] = [
    "objectid",
    "userobjectid",
    "id",
    "userid",
    "externaldirectoryobjectid",
    "azureadobjectid",
    "guid",
    "userprincipalname",
    "upn",
    "user",
    "username",
    "principalname",
];

/// What a file of ids contains.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct IdsFile {
    /// The users it names, each once, with the number of the line that named it first.
    pub users: Vec<(UserRef, usize)>,
    /// Lines that name nobody, each with its number and the cause.
    pub refused: Vec<(usize, String)>,
    /// How many lines name a user again.
    pub duplicates: usize,
}

/// Reads a file of ids, in UTF-8 or in UTF-16 with a byte order mark (as `PowerShell` writes it).
///
/// Passes over blank lines, `#` comments, headings and the ruler below them, and takes quotes and braces off
/// an id. Of a table with a heading, the column of object ids counts, or else that of principal names; a line
/// without a heading may name several users.
pub fn read(input: impl Read) -> io::Result<IdsFile> {
    let mut bytes = Vec::new();
    DecodeReaderBytes::new(input).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut reader = Lines::default();
    for (position, line) in text.lines().enumerate() {
        reader.line(position + 1, line.trim_start_matches('\u{feff}').trim());
    }
    Ok(reader.file)
}

/// Reads users that are named one by one, each with its line number.
pub fn named<'a>(names: impl IntoIterator<Item = (usize, &'a str)>) -> IdsFile {
    let mut lines = Lines::default();
    for (number, name) in names {
        lines.name(number, name);
    }
    lines.file
}

/// Reads line after line.
#[derive(Default)]
struct Lines {
    file: IdsFile,
    known: HashSet<UserRef>,
    /// The column that counts, of a table whose heading names it.
    column: Option<Column>,
    /// Whether a line that is no comment came.
    has_begun: bool,
}

/// Where the users are in a table.
struct Column {
    delimiter: Delimiter,
    at: usize,
    /// The column to fall back on where that cell is empty.
    or: Option<usize>,
}

/// What stands between the cells of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delimiter {
    Char(char),
    Blanks,
}

impl Lines {
    fn line(&mut self, number: usize, line: &str) {
        if line.is_empty() || line.starts_with('#') || is_ruler(line) {
            return;
        }
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if is_first && line.starts_with("sep=") {
            self.has_begun = false;
            return;
        }
        if is_first && let Some(column) = heading(line) {
            self.column = Some(column);
            return;
        }
        match &self.column {
            Some(Column { delimiter, at, or }) => {
                let cells = cells(line, *delimiter);
                let cell = |at: usize| cells.get(at).copied().filter(|cell| !cell.is_empty());
                match cell(*at).or_else(|| or.and_then(cell)) {
                    Some(cell) => self.name(number, cell),
                    None => self.refuse(number, "the column that names the user is empty on this line"),
                }
            }
            None => self.several(number, line),
        }
    }

    /// Takes a line that names a user, or several.
    fn several(&mut self, number: usize, line: &str) {
        let whole = bare(line);
        if is_heading(whole) {
            return;
        }
        if user(whole).is_ok() {
            return self.name(number, whole);
        }
        let parts: Vec<&str> =
            line.split([',', ';', '\t', ' ', '|']).map(bare).filter(|part| !part.is_empty()).collect();
        let (ids, names): (Vec<UserRef>, Vec<UserRef>) =
            parts.iter().filter_map(|part| user(part).ok()).partition(|user| matches!(user, UserRef::Id(_)));
        if parts.len() < 2 || parts.len() > MOST_ON_A_LINE || ids.len() + names.len() < parts.len() {
            self.name(number, whole);
        } else if ids.is_empty() || names.is_empty() {
            for part in parts {
                self.name(number, part);
            }
        } else {
            self.refuse(
                number,
                "it has an object id and a principal name, which may be one user's or two: leave one of them, or put \
                 a heading (ObjectId, UserPrincipalName) above the columns",
            );
        }
    }

    fn name(&mut self, number: usize, name: &str) {
        match user(bare(name)) {
            Ok(user) if self.known.contains(&user) => self.file.duplicates += 1,
            Ok(user) => {
                self.known.insert(user.clone());
                self.file.users.push((user, number));
            }
            Err(cause) => self.refuse(number, &cause),
        }
    }

    fn refuse(&mut self, number: usize, cause: &str) {
        self.file.refused.push((number, cause.to_owned()));
    }
}

/// The user that a text names. A GUID may lack its hyphens.
fn user(text: &str) -> Result<UserRef, String> {
    if text.len() > LONGEST_LINE {
        return Err("it is too long for an id".to_owned());
    }
    let is_short_guid = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let read = if is_short_guid {
        Uuid::try_parse(text).unwrap_or_default().hyphenated().to_string().parse::<UserRef>()
    } else {
        text.parse::<UserRef>()
    };
    read.map_err(|error| error.to_string())
}

/// A text without a comma behind it and the quotes or braces around it.
fn bare(text: &str) -> &str {
    let text = text.trim();
    let text = text.strip_suffix([',', ';']).unwrap_or(text).trim();
    for (open, close) in [('"', '"'), ('\'', '\''), ('{', '}'), ('(', ')'), ('<', '>')] {
        if let Some(inner) = text.strip_prefix(open).and_then(|text| text.strip_suffix(close)) {
            return bare(inner);
        }
    }
    text
}

/// Whether a line only underlines a heading.
fn is_ruler(line: &str) -> bool {
    line.contains("--") && line.chars().all(|c| matches!(c, '-' | '=' | '+' | '|' | ' ' | '\t'))
}

/// Whether a text is the heading of a column of users.
fn is_heading(text: &str) -> bool {
    rank(text).is_some()
}

fn rank(text: &str) -> Option<usize> {
    let plain: String =
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let is_word = text.chars().all(|c| c.is_alphanumeric() || " ._-".contains(c));
    HEADINGS.iter().position(|heading| is_word && *heading == plain)
}

/// The column that counts, if a line is a heading of several.
fn heading(line: &str) -> Option<Column> {
    let delimiters = ['\t', ';', ',', '|'].map(Delimiter::Char).into_iter().chain([Delimiter::Blanks]);
    for delimiter in delimiters {
        let cells = cells(line, delimiter);
        if cells.len() < 2 || cells.iter().any(|cell| user(cell).is_ok()) {
            continue;
        }
        let mut ranked: Vec<(usize, usize)> =
            cells.iter().enumerate().filter_map(|(at, cell)| Some((rank(cell)?, at))).collect();
        ranked.sort_unstable();
        if let [(_, at), rest @ ..] = ranked.as_slice() {
            return Some(Column { delimiter, at: *at, or: rest.first().map(|(_, at)| *at) });
        }
    }
    None
}

/// The cells of a line, without quotes. Quoted cells may have the delimiter in them.
fn cells(line: &str, delimiter: Delimiter) -> Vec<&str> {
    let Delimiter::Char(delimiter) = delimiter else {
        return line.split_whitespace().map(bare).collect();
    };
    let mut is_quoted = false;
    let split = line.split(|c: char| {
        is_quoted ^= c == '"';
        c == delimiter && !is_quoted
    });
    split.map(bare).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &str = "3b1f0c52-7a44-4e0d-9c15-5d2a6e8f9011";
    const BEN: &str = "8e27d4b9-1c63-4f5a-a0b2-4c7e13d6f022";

    fn users(text: &str) -> Vec<String> {
        let file = read(text.as_bytes()).unwrap();
        assert_eq!(file.refused, [], "{text}");
        file.users.iter().map(|(user, _)| user.to_string()).collect()
    }

    #[test]
    fn what_people_have_in_such_files_is_taken() {
        let text = format!(
            "\u{feff}{}\r\n\r\n# a comment\r\n  \"{ADA}\"  \r\n'Alice@Contoso.example'\r\n",
            ADA.to_uppercase()
        );
        let file = read(text.as_bytes()).unwrap();
        assert_eq!(file.users, [(ADA.parse().unwrap(), 1), ("alice@contoso.example".parse().unwrap(), 5)]);
        assert_eq!((file.duplicates, file.refused.len()), (1, 0));
    }

    #[test]
    fn headings_rulers_braces_and_several_on_a_line_are_read() {
        let short = BEN.replace('-', "");
        for text in [
            format!(
                "\nObjectId                            \n--------                            \n{ADA}\n{BEN}\n\n"
            ),
            format!("#TYPE Selected.User\n\"ObjectId\"\n\"{ADA}\"\n\"{BEN}\"\n"),
            format!(
                "\"UserPrincipalName\",\"ObjectId\"\n\"ada@contoso.example\",\"{ADA}\"\n\"b@x.example\",\"{BEN}\"\n"
            ),
            format!(
                "sep=;\nDisplay name;User principal name;Object Id\nAda;a@x.example;{ADA}\n\"Orr; Ben\";;{BEN}\n"
            ),
            format!("id\tdisplayName\n{ADA}\tAda\n{BEN}\tBen\n"),
            format!(
                "Id                                   DisplayName\n--                                   -----------\n{ADA} Ada Quinn\n{BEN} Ben\n"
            ),
            format!("| objectId | upn |\n|---|---|\n| {ADA} | a@x.example |\n| {BEN} | |\n"),
            format!("{ADA},{BEN}\n"),
            format!("{ADA}; {BEN};"),
            format!("\"{ADA}\", \"{BEN}\",\n"),
            format!("{ADA} {BEN}"),
            format!("{{{ADA}}}\n{short}\n"),
            format!("({ADA})\n\"{{{BEN}}}\",\n"),
        ] {
            assert_eq!(users(&text), [ADA, BEN], "{text}");
        }
        assert_eq!(users("UserPrincipalName\n$ada@contoso.example\n"), ["$ada@contoso.example"]);
        let rest = format!("UserPrincipalName,ObjectId\nada@contoso.example,\nx@y.example,{BEN}\n");
        assert_eq!(users(&rest), ["ada@contoso.example", BEN], "an empty cell is no reason to lose a user");
    }

    #[test]
    fn a_line_that_names_nobody_is_refused_with_its_number_and_the_rest_goes_on() {
        let text = format!(
            "nobody\n{ADA}\n../../etc\n00000000-0000-0000-0000-000000000000\nada@contoso.example,{BEN}\n{ADA} x\n"
        );
        let file = read(text.as_bytes()).unwrap();
        assert_eq!(file.users.len(), 1);
        assert_eq!(file.refused.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3, 4, 5, 6]);
        assert!(file.refused[3].1.contains("heading"), "{:?}", file.refused);
    }

    #[test]
    fn a_file_from_powershell_is_utf_16() {
        let mut bytes = vec![0xff, 0xfe];
        bytes.extend(format!("{ADA}\r\n").encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(read(bytes.as_slice()).unwrap().users.len(), 1);
    }
}
