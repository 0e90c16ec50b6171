//! Opening what an export is packed in: gzip, zstd, zip archives, and Avro as Event Hubs Capture writes it.

use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;
use zip::{ZipArchive, result::ZipError};

use super::{avro::Bodies, zstd::Frames};

/// What is in a file, or why that cannot be read.
pub(super) type Opened<'a> = Result<Box<dyn Read + 'a>, String>;

/// How many packings may be around each other.
const DEEPEST: usize = 4;

/// Opens a file and hands each export in it to `each`: one, or as many as an archive has, each with the name
/// to call it by in messages. An error says what is wrong with the file, or with the entry of that name.
pub(super) fn each_export(path: &Path, name: &str, each: &mut dyn FnMut(&str, Opened<'_>)) {
    if path.is_dir() {
        return each(name, Err("is a folder: name the files in it".to_owned()));
    }
    let unread = |error: io::Error| format!("the file could not be read: {error}");
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return each(name, Err(unread(error))),
    };
    let mut head = Vec::with_capacity(4);
    let read = file.by_ref().take(4).read_to_end(&mut head).and_then(|_| file.rewind());
    match read {
        Err(error) => each(name, Err(unread(error))),
        Ok(()) if head == b"PK\x03\x04" || head == b"PK\x05\x06" => archive(file, name, each),
        Ok(()) => each(name, unpacked(Box::new(file), DEEPEST)),
    }
}

/// Hands on each file of an archive.
fn archive(file: File, name: &str, each: &mut dyn FnMut(&str, Opened<'_>)) {
    let mut archive = match ZipArchive::new(BufReader::new(file)) {
        Ok(archive) => archive,
        Err(error) => return each(name, Err(format!("the zip archive cannot be read: {error}"))),
    };
    if archive.index_for_name("xl/workbook.xml").is_some() {
        let what = "this is an Excel workbook: save it as CSV (UTF-8), or export the audit log as JSON";
        return each(name, Err(what.to_owned()));
    }
    let mut files = 0;
    for index in 0..archive.len() {
        let entry = match archive.by_index(index) {
            Ok(entry) => entry,
            Err(error) => {
                files += 1;
                let why = match error {
                    ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
                        "it is encrypted: unpack it with its password first".to_owned()
                    }
                    error => format!("it cannot be unpacked: {error}"),
                };
                each(&format!("{name} (entry {})", index + 1), Err(why));
                continue;
            }
        };
        let inner = String::from_utf8_lossy(entry.name_raw()).into_owned();
        // What file managers of macOS add.
        let is_added = inner.starts_with("__MACOSX/") || inner.ends_with(".DS_Store");
        if entry.is_file() && !is_added {
            files += 1;
            each(&format!("{name}/{}", crate::output::plain(&inner)), unpacked(Box::new(entry), DEEPEST));
        }
    }
    if files == 0 {
        each(name, Err("the zip archive has no files in it".to_owned()));
    }
}

/// A stream without what it is packed in, as its first bytes show it.
fn unpacked<'a>(mut input: Box<dyn Read + 'a>, deepest: usize) -> Opened<'a> {
    let mut head = Vec::with_capacity(4);
    let read = input.by_ref().take(4).read_to_end(&mut head);
    read.map_err(|error| format!("the file could not be read: {error}"))?;
    let kind: [u8; 4] = head.clone().try_into().unwrap_or_default();
    let whole = Cursor::new(head).chain(input);
    if deepest == 0 {
        return Err("it is packed too many times: unpack it first".to_owned());
    }
    match kind {
        [0x1f, 0x8b, ..] => unpacked(Box::new(MultiGzDecoder::new(BufReader::new(whole))), deepest - 1),
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
            unpacked(Box::new(Frames::new(BufReader::new(whole))), deepest - 1)
        }
        [b'O', b'b', b'j', 1] => {
            let bodies = Bodies::new(BufReader::new(whole)).map_err(|error| error.to_string())?;
            unpacked(Box::new(bodies), deepest - 1)
        }
        _ => Ok(Box::new(whole)),
    }
}
