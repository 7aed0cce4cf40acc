//! The vocabulary as llguidance needs it: the bytes of each token in a trie.

use std::sync::Arc;

use toktrie::{TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};

use crate::token_table::{Kind, TokenTable, ADDED, MISSING, SPECIAL};
use crate::tokenizer::Tokenizer;
use crate::Result;

struct Vocabulary {
    trie: TokTrie,
    tokenizer: Arc<Tokenizer>,
}

impl Vocabulary {
    fn encode(&self, text: &str) -> Vec<TokenId> {
        self.tokenizer.encode(text, false).unwrap_or_default()
    }
}

impl TokenizerEnv for Vocabulary {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<TokenId> {
        self.trie.tokenize_with_greedy_fallback(bytes, |text| self.encode(text))
    }

    fn tokenize_bytes_special(&self, bytes: &[u8]) -> Vec<TokenId> {
        self.trie.tokenize_with_greedy_fallback(bytes, |text| {
            self.trie.tokenize_with_special(text, |plain| self.encode(plain))
        })
    }
}

/// `vocab_size`: of the model, which may have more rows than the tokenizer has ids.
pub fn token_env(tokenizer: &Arc<Tokenizer>, vocab_size: usize, eos_ids: &[u32]) -> Result<TokEnv> {
    let num_ids = vocab_size.max(tokenizer.num_ids() as usize);
    let Some(&first_eos) = eos_ids.first() else {
        return Err("a grammar needs an end-of-sequence token".into());
    };
    if let Some(id) = eos_ids.iter().find(|id| **id as usize >= num_ids) {
        return Err(format!("end-of-sequence token id {id} is out of the vocabulary of {num_ids}"));
    }
    let table = TokenTable::new(tokenizer);
    if table.kind == Kind::General {
        return Err("grammars cannot be used with this tokenizer's decoder".into());
    }
    let bytes: Vec<Vec<u8>> =
        (0..num_ids as u32).map(|id| token_bytes(tokenizer, &table, id)).collect();
    let mut trie = TokTrie::from(&TokRxInfo::new(num_ids as u32, first_eos), &bytes);
    if eos_ids.len() > 1 {
        trie = trie.with_eos_tokens(eos_ids);
    }
    Ok(Arc::new(Vocabulary { trie, tokenizer: tokenizer.clone() }))
}

/// Special tokens, and added ones that look like tags, are marked: a grammar names them, text never
/// matches them.
fn token_bytes(tokenizer: &Tokenizer, table: &TokenTable, id: u32) -> Vec<u8> {
    let marked = |name: &str| [&[TokTrie::SPECIAL_TOKEN_MARKER], name.as_bytes()].concat();
    let flags = table.flags.get(id as usize).copied().unwrap_or(MISSING);
    if flags & MISSING != 0 {
        return marked(&format!("<[{id}]>"));
    }
    if flags & ADDED != 0 {
        let name = tokenizer.id_to_token(id).unwrap_or_default();
        let is_tag = name.starts_with('<') && name.ends_with('>');
        return if flags & SPECIAL != 0 || is_tag { marked(&name) } else { name.into_bytes() };
    }
    table.pieces.get(id).to_vec()
}
