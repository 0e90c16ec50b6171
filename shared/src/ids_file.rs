//! Users that a person names: in a text file with one object id or principal name per line, or in a list.

use std::{collections::HashSet, io::Read};

use encoding_rs_io::DecodeReaderBytes;

use crate::domain::user_ref::UserRef;

/// A line longer than this, in bytes, cannot be an id.
const LONGEST_LINE: usize = 1024;

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

/// Reads a file of ids, in UTF-8 or in UTF-16 with a byte order mark (as `PowerShell` writes it). Skips blank
/// lines and `#` comments, and removes quotes around an id.
pub fn read(input: impl Read) -> std::io::Result<IdsFile> {
    let mut bytes = Vec::new();
    DecodeReaderBytes::new(input).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().enumerate().map(|(position, line)| {
        let id = line.trim_start_matches('\u{feff}').trim();
        (position + 1, strip_quotes(id))
    });
    Ok(named(lines.filter(|(_, id)| !id.is_empty() && !id.starts_with('#'))))
}

/// Reads users that are named one by one, each with its line number.
pub fn named<'a>(names: impl IntoIterator<Item = (usize, &'a str)>) -> IdsFile {
    let mut file = IdsFile::default();
    let mut known: HashSet<UserRef> = HashSet::new();
    for (number, id) in names {
        if id.len() > LONGEST_LINE {
            file.refused.push((number, "it is too long for an id".to_owned()));
            continue;
        }
        match id.parse::<UserRef>() {
            Ok(user) if known.contains(&user) => file.duplicates += 1,
            Ok(user) => {
                known.insert(user.clone());
                file.users.push((user, number));
            }
            Err(error) => file.refused.push((number, error.to_string())),
        }
    }
    file
}

fn strip_quotes(text: &str) -> &str {
    let text = text.strip_suffix([',', ';']).unwrap_or(text).trim();
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)) {
            return inner.trim();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "dd44fd36-4511-4889-801e-dc8e367e5d6d";

    #[test]
    fn what_people_have_in_such_files_is_taken() {
        let text = format!(
            "\u{feff}{}\r\n\r\n# a comment\r\n  \"{ID}\"  \r\n'Alice@Contoso.example'\r\n",
            ID.to_uppercase()
        );
        let file = read(text.as_bytes()).unwrap();
        assert_eq!(file.users, [(ID.parse().unwrap(), 1), ("alice@contoso.example".parse().unwrap(), 5)]);
        assert_eq!((file.duplicates, file.refused.len()), (1, 0));
    }

    #[test]
    fn a_line_that_names_nobody_is_refused_with_its_number_and_the_rest_goes_on() {
        let file =
            read(format!("nobody\n{ID}\n../../etc\n00000000-0000-0000-0000-000000000000\n").as_bytes())
                .unwrap();
        assert_eq!(file.users.len(), 1);
        assert_eq!(file.refused.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3, 4]);
    }

    #[test]
    fn a_file_from_powershell_is_utf_16() {
        let mut bytes = vec![0xff, 0xfe];
        bytes.extend(format!("{ID}\r\n").encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(read(bytes.as_slice()).unwrap().users.len(), 1);
    }
}
