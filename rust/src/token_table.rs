//! The text of every token, so that a stream of ids can be turned into text without a decoder.

use serde::Deserialize;
use serde_json::Value;
use tokenizers::{Decoder, DecoderWrapper};

use crate::tokenizer::Tokenizer;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Tokens are bytes; the bytes of all tokens together are read as UTF-8, errors as U+FFFD.
    Bytes = 0,
    /// Tokens are text, but for single bytes (FALLBACK_BYTE), which form runs.
    Text = 1,
    /// A token's text depends on the tokens around it: there are no pieces.
    General = 2,
}

pub const SPECIAL: u8 = 1;
pub const ADDED: u8 = 2;
pub const FALLBACK_BYTE: u8 = 4;
pub const MISSING: u8 = 8;

/// Strings one after another: the i-th is bytes[offsets[i]..offsets[i + 1]].
pub struct Pieces {
    pub offsets: Vec<u32>,
    pub bytes: Vec<u8>,
}

impl Pieces {
    fn new() -> Self {
        Pieces { offsets: vec![0], bytes: Vec::new() }
    }
    fn push(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
        self.offsets.push(self.bytes.len() as u32);
    }
    pub fn get(&self, id: u32) -> &[u8] {
        &self.bytes[self.offsets[id as usize] as usize..self.offsets[id as usize + 1] as usize]
    }
}

pub struct TokenTable {
    pub kind: Kind,
    pub pieces: Pieces,
    /// Pieces of tokens that begin a text; empty if that makes no difference.
    pub first_pieces: Pieces,
    pub flags: Vec<u8>,
    /// Up to this many characters `strip_char` are cut off the front of the whole text.
    pub strip_count: u32,
    pub strip_char: u8,
}

impl TokenTable {
    pub fn new(tokenizer: &Tokenizer) -> Self {
        let plan = Plan::new(tokenizer.decoder()).unwrap_or_else(Plan::general);
        let mut table = TokenTable {
            kind: plan.kind,
            pieces: Pieces::new(),
            first_pieces: Pieces::new(),
            flags: vec![0; tokenizer.num_ids() as usize],
            strip_count: plan.strip_count,
            strip_char: plan.strip_char,
        };
        for (id, is_special) in tokenizer.added_tokens() {
            table.flags[id as usize] = ADDED | if is_special { SPECIAL } else { 0 };
        }
        let mut first_matters = false;
        for id in 0..tokenizer.num_ids() {
            let Some(token) = tokenizer.id_to_token(id) else {
                table.flags[id as usize] |= MISSING;
                table.pieces.push(b"");
                table.first_pieces.push(b"");
                continue;
            };
            let (piece, first) = match plan.kind {
                Kind::General => Default::default(),
                Kind::Bytes => (byte_level_bytes(&token), None),
                Kind::Text => {
                    let (piece, first) = plan.text(token);
                    match plan.has_byte_fallback.then(|| fallback_byte(&piece)).flatten() {
                        Some(byte) => {
                            table.flags[id as usize] |= FALLBACK_BYTE;
                            (vec![byte], None)
                        }
                        None => (piece.into_bytes(), Some(first.into_bytes())),
                    }
                }
            };
            first_matters |= first.as_ref().is_some_and(|first| *first != piece);
            table.first_pieces.push(first.as_ref().unwrap_or(&piece));
            table.pieces.push(&piece);
        }
        if !first_matters {
            table.first_pieces = Pieces { offsets: Vec::new(), bytes: Vec::new() };
        }
        table
    }
}

/// How the decoder of tokenizer.json makes text of single tokens.
struct Plan {
    kind: Kind,
    /// Decoders that look at one token at a time and at whether it is the first.
    per_token: Vec<DecoderWrapper>,
    has_byte_fallback: bool,
    joined_by_space: bool,
    strip_count: u32,
    strip_char: u8,
}

impl Plan {
    fn general() -> Self {
        Plan { kind: Kind::General, ..Plan::text_plan() }
    }

    fn text_plan() -> Self {
        Plan {
            kind: Kind::Text,
            per_token: Vec::new(),
            has_byte_fallback: false,
            joined_by_space: false,
            strip_count: 0,
            strip_char: 0,
        }
    }

    /// None: the decoder is not of the kinds that a table can stand for.
    fn new(decoder: &Value) -> Option<Self> {
        let steps = match decoder["type"].as_str() {
            None => return Some(Plan { joined_by_space: true, ..Plan::text_plan() }),
            Some("Sequence") => decoder["decoders"].as_array()?.as_slice(),
            Some(_) => std::slice::from_ref(decoder),
        };
        if let [only] = steps {
            if only["type"] == "ByteLevel" {
                return Some(Plan { kind: Kind::Bytes, ..Plan::text_plan() });
            }
        }
        let mut plan = Plan::text_plan();
        let mut is_fused = false;
        for step in steps {
            let kind = step["type"].as_str()?;
            match kind {
                "Fuse" => is_fused = true,
                "Strip" if is_fused && plan.strip_count == 0 => plan.set_whole_strip(step)?,
                "ByteFallback" if !is_fused => plan.has_byte_fallback = true,
                "Replace" | "Strip" | "Metaspace" | "WordPiece"
                    if !is_fused && !plan.has_byte_fallback =>
                {
                    plan.per_token.push(DecoderWrapper::deserialize(step).ok()?);
                }
                _ => return None,
            }
        }
        Some(plan)
    }

    fn set_whole_strip(&mut self, step: &Value) -> Option<()> {
        let content = step["content"].as_str()?;
        if content.len() != 1 || step["stop"].as_u64()? != 0 {
            return None;
        }
        self.strip_char = content.as_bytes()[0];
        self.strip_count = step["start"].as_u64()?.try_into().ok()?;
        Some(())
    }

    /// The token's text in the middle of a text, and at its front.
    fn text(&self, token: String) -> (String, String) {
        if self.joined_by_space {
            return (format!(" {token}"), token);
        }
        let mut inner = token.clone();
        let mut first = token;
        for decoder in &self.per_token {
            inner = last_of(decoder, vec!["a".into(), inner]);
            first = last_of(decoder, vec![first]);
        }
        (inner, first)
    }
}

fn last_of(decoder: &DecoderWrapper, tokens: Vec<String>) -> String {
    let mut decoded = decoder.decode_chain(tokens).unwrap_or_default();
    decoded.pop().unwrap_or_default()
}

/// "<0x0A>" is one byte.
fn fallback_byte(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    (digits.len() == 2).then(|| u8::from_str_radix(digits, 16).ok())?
}

/// GPT-2 writes each byte as a printable character; a token with any other character is kept as it is.
fn byte_level_bytes(token: &str) -> Vec<u8> {
    let bytes: Option<Vec<u8>> = token.chars().map(byte_of_char).collect();
    bytes.unwrap_or_else(|| token.as_bytes().to_vec())
}

/// Printable Latin-1 stands for itself; the other 68 bytes, in order, begin at U+0100.
fn byte_of_char(c: char) -> Option<u8> {
    const BYTES: [Option<u8>; 0x144] = bytes_of_chars();
    BYTES.get(c as usize).copied().flatten()
}

const fn bytes_of_chars() -> [Option<u8>; 0x144] {
    let mut bytes = [None; 0x144];
    let mut num_moved = 0;
    let mut byte = 0;
    while byte < 0x100 {
        let is_printable = matches!(byte, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
        let c = if is_printable { byte } else { 0x100 + num_moved };
        num_moved += !is_printable as usize;
        bytes[c] = Some(byte as u8);
        byte += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::{tests::small_chat, Choice};

    #[test]
    fn byte_level_characters_stand_for_all_bytes() {
        let all: String = (0..0x400).filter_map(char::from_u32).collect();
        let mut bytes: Vec<u8> = all.chars().filter_map(byte_of_char).collect();
        bytes.sort();
        assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
        assert_eq!(byte_level_bytes("Ġhello"), b" hello");
        assert_eq!(byte_level_bytes("<｜end▁of▁sentence｜>"), "<｜end▁of▁sentence｜>".as_bytes());
    }

    #[test]
    fn pieces_together_are_what_decode_gives() {
        let tokenizer = small_chat(Choice::Auto);
        let table = TokenTable::new(&tokenizer);
        assert_eq!(table.kind, Kind::Bytes);
        for id in 0..tokenizer.num_ids() {
            let text = String::from_utf8_lossy(table.pieces.get(id));
            assert_eq!(text, tokenizer.decode(&[id], false).unwrap());
        }
    }

    #[test]
    fn decoders_that_look_around_have_no_table() {
        let ctc = serde_json::json!({"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": true});
        assert!(Plan::new(&ctc).is_none());
        let strip_at_end = serde_json::json!({"type": "Sequence", "decoders": [
            {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 0, "stop": 1}]});
        assert!(Plan::new(&strip_at_end).is_none());
    }

    #[test]
    fn a_metaspace_is_dropped_in_front_only() {
        let metaspace = serde_json::json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true});
        let plan = Plan::new(&metaspace).unwrap();
        assert_eq!(plan.text("▁a▁b".into()), (" a b".into(), "ab".into()));
        let wordpiece = serde_json::json!({"type": "WordPiece", "prefix": "##", "cleanup": true});
        let plan = Plan::new(&wordpiece).unwrap();
        assert_eq!(plan.text("##ing".into()).0, "ing");
        assert_eq!(plan.text("word".into()), (" word".into(), "word".into()));
        assert_eq!(plan.text(".".into()), (".".into(), ".".into()));
    }
}
