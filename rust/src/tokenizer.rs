//! tokenizer.json behind one face: fastokens where it can, Hugging Face `tokenizers` elsewhere.

use serde_json::Value;
use tokenizers::AddedToken;

use crate::Result;

/// Ten times the largest vocabulary known.
const MAX_IDS: u64 = 1 << 22;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    Auto,
    Fastokens,
    HuggingFace,
}

enum Backend {
    Fastokens(Box<fastokens::Tokenizer>),
    HuggingFace(Box<tokenizers::Tokenizer>),
}

pub struct Tokenizer {
    backend: Backend,
    decoder: Value,
    num_ids: u32,
    fallback_reason: String,
}

impl Tokenizer {
    /// `special_tokens` are added as special tokens unless tokenizer.json has them as added tokens.
    pub fn new(json: &[u8], special_tokens: &[&str], choice: Choice) -> Result<Self> {
        let file: Value =
            serde_json::from_slice(json).map_err(|e| format!("not valid JSON: {e}"))?;
        check_ids(&file)?;
        let decoder = file["decoder"].clone();
        let largest_id = largest_id(&file);
        let mut fallback_reason = String::new();
        let backend = match choice {
            Choice::HuggingFace => load_huggingface(json, special_tokens)?,
            Choice::Fastokens => load_fastokens(file, special_tokens)?,
            Choice::Auto => match load_fastokens(file, special_tokens) {
                Ok(backend) => backend,
                Err(reason) => {
                    fallback_reason = reason;
                    load_huggingface(json, special_tokens)?
                }
            },
        };
        let mut tokenizer = Tokenizer { backend, decoder, num_ids: 0, fallback_reason };
        let added = tokenizer.added_tokens().into_iter().map(|(id, _)| id).max();
        tokenizer.num_ids = largest_id.max(added).map_or(0, |id| id + 1);
        Ok(tokenizer)
    }

    pub fn encode(&self, text: &str, add_special_tokens: bool) -> Result<Vec<u32>> {
        match &self.backend {
            Backend::Fastokens(t) => {
                t.encode_with_special_tokens(text, add_special_tokens).map_err(|e| e.to_string())
            }
            Backend::HuggingFace(t) => t
                .encode_fast(text, add_special_tokens)
                .map(|encoding| encoding.get_ids().to_vec())
                .map_err(|e| e.to_string()),
        }
    }

    pub fn decode(&self, ids: &[u32], skip_special_tokens: bool) -> Result<String> {
        match &self.backend {
            Backend::Fastokens(t) => t.decode(ids, skip_special_tokens).map_err(|e| e.to_string()),
            Backend::HuggingFace(t) => {
                t.decode(ids, skip_special_tokens).map_err(|e| e.to_string())
            }
        }
    }

    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        match &self.backend {
            Backend::Fastokens(t) => t.token_to_id(token),
            Backend::HuggingFace(t) => t.token_to_id(token),
        }
    }

    pub fn id_to_token(&self, id: u32) -> Option<String> {
        match &self.backend {
            Backend::Fastokens(t) => t.id_to_token(id).map(str::to_string),
            Backend::HuggingFace(t) => t.id_to_token(id),
        }
    }

    /// Ids of the added tokens, each with true if it is special.
    pub fn added_tokens(&self) -> Vec<(u32, bool)> {
        match &self.backend {
            Backend::Fastokens(t) => {
                t.added_token_configs().iter().map(|token| (token.id, token.special)).collect()
            }
            Backend::HuggingFace(t) => t
                .get_added_tokens_decoder()
                .iter()
                .map(|(id, token)| (*id, token.special))
                .collect(),
        }
    }

    /// Largest id + 1: the ids may have gaps.
    pub fn num_ids(&self) -> u32 {
        self.num_ids
    }

    /// The decoder of tokenizer.json; null if it has none.
    pub fn decoder(&self) -> &Value {
        &self.decoder
    }

    pub fn backend_name(&self) -> &'static str {
        match &self.backend {
            Backend::Fastokens(_) => "fastokens",
            Backend::HuggingFace(_) => "huggingface",
        }
    }

    /// Why fastokens was not taken under Choice::Auto; empty if it was.
    pub fn fallback_reason(&self) -> &str {
        &self.fallback_reason
    }
}

/// Tables have a row for every id, so one huge id would take all memory.
fn check_ids(file: &Value) -> Result<()> {
    let check = |field: &str, token: &str, id: &Value| match id.as_u64() {
        Some(id) if id >= MAX_IDS => Err(format!(
            "{field}: the token {token:?} has the id {id}; ids must be below {MAX_IDS}"
        )),
        _ => Ok(()),
    };
    for (token, id) in file["model"]["vocab"].as_object().into_iter().flatten() {
        check("model.vocab", token, id)?;
    }
    for token in file["added_tokens"].as_array().into_iter().flatten() {
        check("added_tokens", token["content"].as_str().unwrap_or_default(), &token["id"])?;
    }
    Ok(())
}

fn largest_id(file: &Value) -> Option<u32> {
    match &file["model"]["vocab"] {
        Value::Object(vocab) => vocab.values().filter_map(Value::as_u64).max().map(|id| id as u32),
        Value::Array(pieces) => (pieces.len() as u32).checked_sub(1),
        _ => None,
    }
}

/// What fastokens would load and then do otherwise than `tokenizers`.
fn check_fastokens_can(file: &Value) -> Result<()> {
    if file["decoder"].is_null() {
        return Err("a tokenizer without a decoder joins its tokens with spaces".into());
    }
    let added = file["added_tokens"].as_array().map(Vec::as_slice).unwrap_or_default();
    if added.iter().any(|token| token["single_word"] == true) {
        return Err("an added token matches whole words only (single_word)".into());
    }
    Ok(())
}

fn load_fastokens(file: Value, special_tokens: &[&str]) -> Result<Backend> {
    check_fastokens_can(&file)?;
    let mut tokenizer = fastokens::Tokenizer::from_json(file).map_err(|e| e.to_string())?;
    // The file's truncation and padding are for training; the engine has its own limits.
    tokenizer.set_truncation(None);
    tokenizer.set_padding(None);
    let known: Vec<_> =
        tokenizer.added_token_configs().iter().map(|token| token.content.clone()).collect();
    let new: Vec<_> = special_tokens
        .iter()
        .filter(|content| !known.iter().any(|k| k == **content))
        .map(|content| fastokens::NewToken::special(*content))
        .collect();
    tokenizer.add_tokens(&new).map_err(|e| e.to_string())?;
    Ok(Backend::Fastokens(Box::new(tokenizer)))
}

fn load_huggingface(json: &[u8], special_tokens: &[&str]) -> Result<Backend> {
    let mut tokenizer = tokenizers::Tokenizer::from_bytes(json).map_err(|e| e.to_string())?;
    tokenizer.with_truncation(None).map_err(|e| e.to_string())?;
    tokenizer.with_padding(None);
    let known: Vec<_> =
        tokenizer.get_added_tokens_decoder().into_values().map(|token| token.content).collect();
    let new: Vec<_> = special_tokens
        .iter()
        .filter(|content| !known.iter().any(|k| k == **content))
        .map(|content| AddedToken::from(*content, true))
        .collect();
    tokenizer.add_special_tokens(new).map_err(|e| e.to_string())?;
    Ok(Backend::HuggingFace(Box::new(tokenizer)))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn small_chat(choice: Choice) -> Tokenizer {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/small-chat/tokenizer.json");
        Tokenizer::new(&std::fs::read(path).unwrap(), &[], choice).unwrap()
    }

    #[test]
    fn both_backends_give_the_same_ids_and_text() {
        let fast = small_chat(Choice::Auto);
        let slow = small_chat(Choice::HuggingFace);
        assert_eq!((fast.backend_name(), slow.backend_name()), ("fastokens", "huggingface"));
        assert_eq!(fast.num_ids(), slow.num_ids());
        for text in
            ["Hello, wörld! 你好 🙂 it's 12345.\n<|im_end|>", "", "  \t\r\n  a", "e\u{301}\u{0}"]
        {
            let ids = fast.encode(text, true).unwrap();
            assert_eq!(ids, slow.encode(text, true).unwrap());
            assert_eq!(fast.decode(&ids, false).unwrap(), text);
            assert_eq!(fast.decode(&ids, true).unwrap(), slow.decode(&ids, true).unwrap());
        }
    }

    #[test]
    fn a_new_special_token_gets_the_next_id_in_both_backends() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/small-chat/tokenizer.json");
        let json = std::fs::read(path).unwrap();
        let extra = ["<|im_end|>", "<pad-for-test>"];
        let fast = Tokenizer::new(&json, &extra, Choice::Fastokens).unwrap();
        let slow = Tokenizer::new(&json, &extra, Choice::HuggingFace).unwrap();
        let plain = small_chat(Choice::Auto);
        let id = plain.num_ids();
        for tokenizer in [&fast, &slow] {
            assert_eq!(tokenizer.num_ids(), id + 1);
            assert_eq!(tokenizer.token_to_id("<pad-for-test>"), Some(id));
            assert_eq!(tokenizer.encode("<pad-for-test>", false).unwrap(), [id]);
            assert_eq!(tokenizer.decode(&[id], true).unwrap(), "");
        }
    }

    #[test]
    fn an_id_beyond_all_vocabularies_is_an_error() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/small-chat/tokenizer.json");
        let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let mut in_vocabulary = file.clone();
        in_vocabulary["model"]["vocab"]["huge"] = 1_000_000_000u64.into();
        let mut in_added_tokens = file.clone();
        in_added_tokens["added_tokens"][0]["id"] = (MAX_IDS).into();
        for (file, field) in [(in_vocabulary, "model.vocab"), (in_added_tokens, "added_tokens")] {
            for choice in [Choice::Auto, Choice::HuggingFace] {
                let error = Tokenizer::new(file.to_string().as_bytes(), &[], choice).err().unwrap();
                assert!(error.starts_with(field), "{error}");
            }
        }
    }

    #[test]
    fn what_is_no_tokenizer_is_an_error() {
        for json in ["", "[]", "{}", "{\"model\":", "{\"model\":{\"type\":\"BPE\"}}"] {
            assert!(Tokenizer::new(json.as_bytes(), &[], Choice::Auto).is_err(), "{json}");
        }
        let deep = "{\"model\":".to_string() + &"[".repeat(200_000);
        assert!(Tokenizer::new(deep.as_bytes(), &[], Choice::Auto).is_err());
    }
}
