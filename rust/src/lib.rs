//! Text for quire: tokenizers, chat templates and grammars behind the C interface quire_text.h.

mod big_stack;
mod capi;
mod chat_template;
mod grammar;
mod memory;
mod token_table;
mod token_trie;
mod tokenizer;

/// The reason is a sentence for the user; what it is about (file, field) is added by the caller.
type Result<T> = std::result::Result<T, String>;

/// Why a call that needs a thread failed: its input, as above, or the machine.
#[derive(Debug)]
enum Failure {
    Invalid(String),
    Environment(String),
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Failure::Invalid(reason)
    }
}

#[cfg(test)]
impl Failure {
    fn reason(self) -> String {
        let (Failure::Invalid(reason) | Failure::Environment(reason)) = self;
        reason
    }
}
