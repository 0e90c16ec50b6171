//! Text that is not UTF-8: what old spreadsheets and Windows `PowerShell` write.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};

/// Decodes pieces of one file as what the file is, as far as it has been seen.
///
/// Everything that decides is ASCII; only names that people read depend on the guess.
pub(super) struct Decoder {
    detector: EncodingDetector,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { detector: EncodingDetector::new(Iso2022JpDetection::Deny) }
    }
}

impl Decoder {
    /// The text of some bytes: UTF-8 if they are, otherwise the encoding that the file seems to have.
    pub(super) fn decode<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, str> {
        if let Ok(text) = str::from_utf8(bytes) {
            return Cow::Borrowed(text);
        }
        self.detector.feed(bytes, false);
        let encoding = self.detector.guess(None, Utf8Detection::Deny);
        encoding.decode_without_bom_handling(bytes).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_windows_is_read_and_utf_8_stays_what_it_is() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.decode("Zoë".as_bytes()), "Zoë");
        assert_eq!(
            decoder.decode(b"J\xfcrgen M\xfcller, Stra\xdfe in K\xf6ln"),
            "Jürgen Müller, Straße in Köln"
        );
        assert_eq!(decoder.decode("Zoë".as_bytes()), "Zoë");
    }
}
