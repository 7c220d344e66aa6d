//! The document as it comes in: bytes wait here to be decoded, text waits to be read, and places are counted.

use crate::decode::{Encoding, Known};
use crate::place::Place;

/// What is known of the encoding.
enum Stage {
    /// Somebody is asked for it: bytes wait.
    Asking,
    /// Nothing: the first bytes tell. The caller may have named an encoding.
    Sniffing(Option<Encoding>),
    /// The declaration, if there is one, is decoded; behind it another encoding may begin.
    Declaration,
    Settled,
}

pub(crate) struct Document {
    text: String,
    /// Where the next token begins.
    pub pos: usize,
    raw: Vec<u8>,
    encoding: Encoding,
    stage: Stage,
    /// It is an external entity, in which what would be a byte order mark may be text.
    fragment: bool,
    /// What comes behind `text` is no character of XML.
    stuck: bool,
    /// No more bytes will come.
    pub last: bool,
    /// The place of `counted_at`; it moves forward only.
    counted: Place,
    counted_at: usize,
    /// A carriage return was in front of all text that is still here.
    after_return: bool,
    /// Where the current event is. Before the first one there is none.
    pub event: Option<usize>,
    /// Bytes of text that were read and forgotten.
    forgotten: u64,
}

impl Document {
    pub fn new(fragment: bool) -> Document {
        Document {
            text: String::new(),
            pos: 0,
            raw: Vec::new(),
            encoding: Encoding::Utf8,
            stage: Stage::Sniffing(None),
            fragment,
            stuck: false,
            last: false,
            counted: Place::default(),
            counted_at: 0,
            after_return: false,
            event: None,
            forgotten: 0,
        }
    }

    #[inline(always)]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The encoding is not known and has to be asked for.
    pub fn ask(&mut self) {
        self.stage = Stage::Asking;
    }

    /// The answer to a question for the encoding. False if memory ran out.
    pub fn set_table(&mut self, table: Encoding) -> bool {
        self.encoding = table;
        self.stage = Stage::Settled;
        self.decode_raw()
    }

    /// The caller says what the encoding is.
    pub fn set_encoding(&mut self, known: Known) {
        let encoding = match known {
            Known::Utf16Any => Encoding::Utf16 { big: true },
            Known::Encoding(encoding) => encoding,
        };
        if matches!(self.stage, Stage::Sniffing(_)) {
            self.stage = Stage::Sniffing(Some(encoding));
        }
    }

    pub fn is_utf8(&self) -> bool {
        matches!(self.encoding, Encoding::Utf8)
    }

    pub fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    /// Takes in more bytes. False if memory ran out.
    pub fn feed(&mut self, data: &[u8], last: bool) -> bool {
        self.compact();
        self.last = last;
        if matches!(self.stage, Stage::Settled) && self.raw.is_empty() && !self.stuck {
            if self
                .text
                .try_reserve(self.decoded_size(data.len()))
                .is_err()
            {
                return false;
            }
            let (used, stuck) = self.encoding.decode(data, &mut self.text);
            self.stuck = stuck;
            let rest = &data[used..];
            if self.raw.try_reserve(rest.len()).is_err() {
                return false;
            }
            self.raw.extend_from_slice(rest);
            return true;
        }
        if self.raw.try_reserve(data.len()).is_err() {
            return false;
        }
        self.raw.extend_from_slice(data);
        self.decode_raw()
    }

    fn decoded_size(&self, bytes: usize) -> usize {
        match self.encoding {
            Encoding::Utf8 | Encoding::Ascii => bytes,
            _ => bytes.saturating_mul(3) / 2,
        }
    }

    fn decode_raw(&mut self) -> bool {
        if self.stuck || matches!(self.stage, Stage::Asking) {
            return true;
        }
        if let Stage::Sniffing(_) = self.stage
            && !self.sniff()
        {
            return true;
        }
        let size = match self.stage {
            Stage::Declaration => match self.declaration_size() {
                Some(size) => size,
                None => return true,
            },
            _ => self.raw.len(),
        };
        if self.text.try_reserve(self.decoded_size(size)).is_err() {
            return false;
        }
        let (used, stuck) = self.encoding.decode(&self.raw[..size], &mut self.text);
        self.raw.drain(..used);
        self.stuck = stuck;
        true
    }

    /// How many bytes to decode while a declaration may come. `None` if that is not yet clear.
    fn declaration_size(&mut self) -> Option<usize> {
        const OPEN: &[u8] = b"<?xml";
        let seen = self.raw.len().min(OPEN.len());
        if self.text.len() > self.pos {
            // The declaration is decoded and waits to be read.
            return None;
        }
        if self.raw[..seen] != OPEN[..seen] {
            self.stage = Stage::Settled;
            return Some(self.raw.len());
        }
        if self.last {
            let end = memchr::memmem::find(&self.raw, b"?>").map(|at| at + 2);
            return Some(end.unwrap_or(self.raw.len()));
        }
        memchr::memmem::find(&self.raw, b"?>").map(|at| at + 2)
    }

    /// The first token was read: the encoding is known, and the rest is decoded. False if memory ran out.
    pub fn settle(&mut self, encoding: Option<Encoding>) -> bool {
        if matches!(self.stage, Stage::Settled) {
            return true;
        }
        if let Some(encoding) = encoding {
            // Counting went on in the old encoding until here.
            self.count_to(self.pos);
            self.encoding = encoding;
        }
        self.stage = Stage::Settled;
        self.decode_raw()
    }

    /// Finds out the encoding from the first bytes. False if there are not enough.
    fn sniff(&mut self) -> bool {
        let Stage::Sniffing(named) = &self.stage else {
            return true;
        };
        let named = named.clone();
        let is_16 = |big: bool| matches!(named, Some(Encoding::Utf16 { big: own }) if own == big);
        let any_16 = matches!(named, Some(Encoding::Utf16 { .. }));
        let latin = matches!(named, Some(Encoding::Latin1));
        let big = Some(Encoding::Utf16 { big: true });
        let little = Some(Encoding::Utf16 { big: false });
        let (mark, found) = match self.raw[..] {
            [] => return false,
            [0xFE | 0xFF | 0xEF | 0 | b'<'] if !self.last => return false,
            [0xFE, 0xFF, ..] if !(self.fragment && latin) => (2, big),
            [0xFF, 0xFE, ..] if !(self.fragment && (latin || is_16(true))) => (2, little),
            [b'<', 0, ..] if !(self.fragment && any_16) => (0, little),
            [0xEF, 0xBB] if !self.last && !any_16 && !latin => return false,
            [0xEF, 0xBB, 0xBF, ..] if !(self.fragment && (any_16 || latin)) => {
                (3, Some(Encoding::Utf8))
            }
            [0, _, ..] if !(self.fragment && is_16(false)) => (0, big),
            [_, 0, ..] if !self.fragment => (0, little),
            _ => (0, named.clone()),
        };
        let settled = named.is_some();
        self.encoding = found.unwrap_or(Encoding::Utf8);
        self.stage = if settled || matches!(self.encoding, Encoding::Utf16 { .. }) {
            Stage::Settled
        } else {
            Stage::Declaration
        };
        if mark > 0 {
            // The mark counts as a character.
            self.text.push('\u{FEFF}');
            self.raw.drain(..mark);
            self.pos = self.text.len();
        }
        true
    }

    /// Bytes that came and were not read.
    pub fn unread(&self) -> u64 {
        let width = self.encoding.width();
        width.bytes(&self.text[self.pos..]) + self.raw.len() as u64
    }

    /// Why the text ends where it does: there are bytes that are no character, or half of one.
    pub fn is_stuck(&self) -> bool {
        self.stuck
    }

    /// At the end of everything: are there bytes that could have become a character?
    pub fn has_partial_char(&self) -> bool {
        match self.encoding {
            Encoding::Utf16 { .. } => self.raw.len() > 1,
            _ => !self.raw.is_empty(),
        }
    }

    /// At the end of everything: is there half of a unit?
    pub fn has_rest(&self) -> bool {
        !self.raw.is_empty()
    }

    /// Bytes of text that were read, those of the token at `pos` among them.
    pub fn consumed(&self) -> u64 {
        self.forgotten + self.pos as u64
    }

    /// Forgets the text that was read.
    fn compact(&mut self) {
        if self.pos == 0 {
            return;
        }
        if self.counted_at < self.pos {
            self.count_to(self.pos);
        }
        self.after_return = self.text.as_bytes()[self.pos - 1] == b'\r';
        self.text.drain(..self.pos);
        self.forgotten += self.pos as u64;
        self.counted_at -= self.pos;
        self.event = self.event.map(|at| at.saturating_sub(self.pos));
        self.pos = 0;
    }

    fn count_to(&mut self, at: usize) {
        let (from, at) = (self.counted_at, at.min(self.text.len()));
        if at <= from {
            return;
        }
        let after_return = match from.checked_sub(1) {
            Some(before) => self.text.as_bytes()[before] == b'\r',
            None => self.after_return,
        };
        let width = self.encoding.width();
        self.counted
            .advance(&self.text[from..at], width, after_return);
        self.counted_at = at;
    }

    /// The place of the current event, or of the end of what was read if that is further.
    pub fn place(&mut self) -> Place {
        if let Some(event) = self.event {
            self.count_to(event);
        }
        self.counted
    }

    /// All that was read is behind us.
    pub fn count_all(&mut self) {
        self.count_to(self.pos);
    }

    /// Bytes in front of the current event.
    pub fn event_byte(&self) -> Option<u64> {
        let event = self.event?.min(self.text.len());
        let width = self.encoding.width();
        Some(if event >= self.counted_at {
            self.counted.byte + width.bytes(&self.text[self.counted_at..event])
        } else {
            self.counted
                .byte
                .saturating_sub(width.bytes(&self.text[event..self.counted_at]))
        })
    }

    /// The bytes from the current event on, in the document's encoding.
    pub fn context(&self) -> Option<Vec<u8>> {
        let event = self.event?.min(self.text.len());
        let mut bytes = self.encoding.encode(&self.text[event..]);
        bytes.extend_from_slice(&self.raw);
        Some(bytes)
    }
}
