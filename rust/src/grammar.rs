//! Structured outputs: a grammar compiled for a vocabulary, and its state along one output.

use std::sync::Arc;

use llguidance::api::{GrammarInit, TopLevelGrammar};
use llguidance::earley::SlicedBiasComputer;
use llguidance::{Matcher, ParserFactory};
use toktrie::InferenceCapabilities;

use crate::tokenizer::Tokenizer;
use crate::{big_stack, token_trie, Failure, Result};

/// The Lark parser and compiler recurse on rules and brackets: this much fits big_stack.
const MAX_LARK_BYTES: usize = 16 << 10;
const MAX_REGEX_BYTES: usize = 16 << 10;
const MAX_SCHEMA_BYTES: usize = 256 << 10;

pub struct GrammarCompiler {
    factory: ParserFactory,
    num_ids: usize,
}

impl GrammarCompiler {
    pub fn new(tokenizer: &Arc<Tokenizer>, vocab_size: usize, eos_ids: &[u32]) -> Result<Self> {
        let env = token_trie::token_env(tokenizer, vocab_size, eos_ids)?;
        let capabilities = InferenceCapabilities { ff_tokens: true, ..Default::default() };
        let slices = SlicedBiasComputer::general_slices();
        let mut factory =
            ParserFactory::new(&env, capabilities, &slices).map_err(|e| e.to_string())?;
        factory.quiet();
        factory.limits_mut().verbose_errors = false;
        Ok(GrammarCompiler { factory, num_ids: vocab_size.max(tokenizer.num_ids() as usize) })
    }

    /// `kind`: "json_schema", "json_object", "regex", "lark" or "llguidance".
    pub fn compile(
        &self,
        kind: &str,
        source: &str,
    ) -> std::result::Result<GrammarMatcher, Failure> {
        let limit = match kind {
            "json_schema" | "json_object" => MAX_SCHEMA_BYTES,
            "regex" => MAX_REGEX_BYTES,
            "lark" | "llguidance" => MAX_LARK_BYTES,
            other => return Err(format!("there is no kind of grammar named {other:?}").into()),
        };
        if source.len() > limit {
            return Err(format!(
                "the {kind} grammar has {} bytes; at most {limit} are allowed",
                source.len()
            )
            .into());
        }
        big_stack::run(|| self.compile_here(kind, source))
    }

    fn compile_here(&self, kind: &str, source: &str) -> Result<GrammarMatcher> {
        let grammar = TopLevelGrammar::from_tagged_str(kind, source).map_err(|e| e.to_string())?;
        let parser = self
            .factory
            .create_parser_from_init_default(GrammarInit::Serialized(grammar))
            .map_err(|e| e.to_string())?;
        let matcher = Matcher::new(Ok(parser));
        match matcher.get_error() {
            Some(reason) => Err(reason),
            None => Ok(GrammarMatcher { matcher, num_ids: self.num_ids }),
        }
    }
}

#[derive(Clone)]
pub struct GrammarMatcher {
    matcher: Matcher,
    num_ids: usize,
}

impl GrammarMatcher {
    /// Sets bit id % 32 of word id / 32 for each token that may come next; at an end only eos.
    pub fn fill_mask(&mut self, words: &mut [u32]) -> Result<()> {
        let needed = self.num_ids.div_ceil(32);
        if words.len() < needed {
            return Err(format!("the mask has {} words, {needed} are needed", words.len()));
        }
        let mask = self.matcher.compute_mask_or_eos().map_err(|e| e.to_string())?;
        words[..needed].copy_from_slice(&mask.as_slice()[..needed]);
        words[needed..].fill(0);
        Ok(())
    }

    pub fn consume(&mut self, ids: &[u32]) -> Result<()> {
        self.matcher.consume_tokens(ids).map_err(|e| e.to_string())
    }

    pub fn rollback(&mut self, num_tokens: usize) -> Result<()> {
        self.matcher.rollback(num_tokens).map_err(|e| e.to_string())
    }

    /// How many of `ids` the grammar would accept one after another; the state stays.
    pub fn validate(&mut self, ids: &[u32]) -> Result<usize> {
        self.matcher.validate_tokens(ids).map_err(|e| e.to_string())
    }

    /// The tokens that must come next.
    pub fn forced_tokens(&mut self) -> Vec<u32> {
        self.matcher.compute_ff_tokens()
    }

    pub fn is_accepting(&mut self) -> Result<bool> {
        self.matcher.is_accepting().map_err(|e| e.to_string())
    }

    pub fn is_stopped(&self) -> bool {
        self.matcher.is_stopped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::{tests::small_chat, Choice};

    struct Bench {
        tokenizer: Arc<Tokenizer>,
        compiler: GrammarCompiler,
        eos: u32,
    }

    fn bench() -> Bench {
        let tokenizer = Arc::new(small_chat(Choice::Auto));
        let eos = tokenizer.token_to_id("<|im_end|>").unwrap();
        let compiler = GrammarCompiler::new(&tokenizer, 0, &[eos]).unwrap();
        Bench { tokenizer, compiler, eos }
    }

    fn allows(matcher: &mut GrammarMatcher, id: u32) -> bool {
        let mut mask = vec![0; matcher.num_ids.div_ceil(32)];
        matcher.fill_mask(&mut mask).unwrap();
        mask[id as usize / 32] >> (id % 32) & 1 == 1
    }

    /// Every token of `answer` is allowed when its turn comes, and eos after the last.
    fn assert_accepts(kind: &str, source: &str, answer: &str) {
        let bench = bench();
        let mut matcher = bench.compiler.compile(kind, source).unwrap();
        let ids = bench.tokenizer.encode(answer, false).unwrap();
        assert_eq!(matcher.validate(&ids).unwrap(), ids.len());
        assert!(!matcher.is_accepting().unwrap());
        for &id in &ids {
            assert!(allows(&mut matcher, id), "{kind}: {answer}");
            matcher.consume(&[id]).unwrap();
        }
        assert!(matcher.is_accepting().unwrap());
        assert!(allows(&mut matcher, bench.eos));
    }

    const SCHEMA: &str = r#"{"type":"object","properties":{"city":{"type":"string","maxLength":40},
        "days":{"type":"integer","minimum":1,"maximum":14}},"required":["city","days"],"additionalProperties":false}"#;

    #[test]
    fn grammars_accept_what_they_describe() {
        assert_accepts("json_schema", SCHEMA, r#"{"city": "Paris, île", "days": 7}"#);
        assert_accepts("json_object", "", r#"{"a": [1, null]}"#);
        assert_accepts("regex", "[A-Z][a-z]{2,12} [0-9]{4}(-[0-9]{2}){2}", "March 2024-01-02");
        assert_accepts(
            "lark",
            "start: \"yes\" | \"no\" \" because \" /[a-z ]+/ \".\"",
            "no because it rains.",
        );
        assert_accepts(
            "lark",
            "start: <tool_call> j </tool_call>\nj: %json {\"type\":\"object\",\"properties\":{\"name\":{\"const\":\"f\"}},\"required\":[\"name\"]}",
            "<tool_call>{\"name\": \"f\"}</tool_call>",
        );
    }

    #[test]
    fn what_does_not_fit_is_masked_and_cannot_be_consumed() {
        let bench = bench();
        let mut matcher = bench.compiler.compile("json_schema", SCHEMA).unwrap();
        assert!(!allows(&mut matcher, bench.eos));
        let wrong = bench.tokenizer.encode("[", false).unwrap();
        assert!(!allows(&mut matcher, wrong[0]));
        assert_eq!(matcher.validate(&wrong).unwrap(), 0);
        assert!(matcher.clone().consume(&wrong).is_err());
        let days = bench.tokenizer.encode(r#"{"city": "P", "days": 15"#, false).unwrap();
        assert!(matcher.validate(&days).unwrap() < days.len());
    }

    #[test]
    fn rollback_and_clone_restore_the_state() {
        let bench = bench();
        let mut matcher = bench.compiler.compile("json_schema", SCHEMA).unwrap();
        let ids = bench.tokenizer.encode(r#"{"city": "Paris""#, false).unwrap();
        let mut fork = matcher.clone();
        matcher.consume(&ids).unwrap();
        matcher.rollback(ids.len()).unwrap();
        for m in [&mut matcher, &mut fork] {
            assert_eq!(m.validate(&ids).unwrap(), ids.len());
            m.consume(&ids).unwrap();
        }
    }

    #[test]
    fn forced_tokens_are_the_only_continuation() {
        let bench = bench();
        let text = "the quick brown fox jumps over the lazy dog";
        let mut matcher = bench.compiler.compile("regex", text).unwrap();
        let forced = matcher.forced_tokens();
        assert!(forced.len() > 3);
        assert!(text.starts_with(&bench.tokenizer.decode(&forced, false).unwrap()));
        matcher.consume(&forced).unwrap();
    }

    #[test]
    fn padding_rows_of_the_model_are_never_allowed() {
        let bench = bench();
        let num_ids = bench.tokenizer.num_ids();
        let compiler =
            GrammarCompiler::new(&bench.tokenizer, num_ids as usize + 100, &[bench.eos]).unwrap();
        let mut matcher = compiler.compile("regex", "(.|\n)*").unwrap();
        assert!(!allows(&mut matcher, num_ids + 50));
        assert!(allows(&mut matcher, bench.tokenizer.encode("a", false).unwrap()[0]));
    }

    #[test]
    fn bad_grammars_are_errors_that_name_the_reason() {
        let compiler = bench().compiler;
        for (kind, source) in [
            ("json_schema", r#"{"type":5}"#),
            ("json_schema", "{"),
            ("regex", "(a"),
            ("regex", "(?=a)b"),
            ("lark", "start: undefined_rule"),
            ("xml", ""),
        ] {
            assert!(
                !compiler.compile(kind, source).err().unwrap().reason().is_empty(),
                "{kind} {source}"
            );
        }
    }

    #[test]
    fn hostile_grammars_end_with_an_answer() {
        let compiler = bench().compiler;
        let brackets = |n: usize| "start: ".to_string() + &"(".repeat(n) + "\"a\"" + &")".repeat(n);
        let mut chain = "start: r0\n".to_string();
        let mut i = 0;
        while chain.len() < MAX_LARK_BYTES - 30 {
            chain += &format!("r{i}: r{}\n", i + 1);
            i += 1;
        }
        chain += &format!("r{i}: \"a\"\n");
        for (kind, source) in [
            ("lark", chain),
            ("lark", brackets(8_000)),
            ("lark", "start: start start | start | \"a\"".into()),
            ("regex", "(".repeat(16_000)),
            ("regex", "((a{1000}){1000}){1000}".into()),
            ("json_schema", r##"{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}"##.into()),
            ("json_schema", "{\"items\":".repeat(20_000)),
        ] {
            if let Ok(mut matcher) = compiler.compile(kind, &source) {
                let mut mask = vec![0; matcher.num_ids.div_ceil(32)];
                let _ = matcher.fill_mask(&mut mask);
            }
        }
        let error =
            compiler.compile("lark", &"x".repeat(MAX_LARK_BYTES + 1)).err().unwrap().reason();
        assert!(error.contains("at most 16384 are allowed"), "{error}");
    }
}
