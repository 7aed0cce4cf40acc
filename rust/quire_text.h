/* C interface of the Rust library: tokenizers, chat templates and grammars.
 *
 * Functions that return quire_status write *out on QUIRE_OK and *error otherwise (give it back with
 * quire_buffer_free). `error` may be null. Strings have a size and need no NUL; they are UTF-8 and
 * checked. No panic leaves a function. Handles of const pointers may be used by several threads at
 * once, others by one thread at a time. */
#ifndef QUIRE_TEXT_H_
#define QUIRE_TEXT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t quire_status;
#define QUIRE_OK 0
#define QUIRE_INVALID (-1) /* the input is at fault; the error is a sentence about it */
#define QUIRE_PANIC (-2) /* a bug in the library; the error is the panic's message */
#define QUIRE_ENVIRONMENT (-3) /* the machine is at fault; the error says what to do */

/* Owned memory. Only the library knows what to do with the capacity. */
typedef struct {
  char* data;
  size_t size;
  size_t capacity;
} quire_buffer;

typedef struct {
  int32_t* data;
  size_t size;
  size_t capacity;
} quire_ids;

typedef struct {
  const char* data;
  size_t size;
} quire_string_view;

void quire_buffer_free(quire_buffer buffer);
void quire_ids_free(quire_ids ids);

/* ---- Tokenizer ---- */

typedef struct quire_tokenizer quire_tokenizer;

#define QUIRE_BACKEND_AUTO 0
#define QUIRE_BACKEND_FASTOKENS 1
#define QUIRE_BACKEND_HUGGINGFACE 2

/* From the contents of tokenizer.json. `special_tokens` that are not among its added tokens are
 * added as such, as Hugging Face does with the tokens that tokenizer_config.json names. */
quire_status quire_tokenizer_new(
    const char* json,
    size_t json_size,
    const quire_string_view* special_tokens,
    size_t num_special_tokens,
    int32_t backend,
    const quire_tokenizer** out,
    quire_buffer* error
);
void quire_tokenizer_free(const quire_tokenizer* tokenizer);

quire_status quire_tokenizer_encode(
    const quire_tokenizer* tokenizer,
    const char* text,
    size_t size,
    bool add_special_tokens,
    quire_ids* out,
    quire_buffer* error
);
/* `ids` without a token are left out. */
quire_status quire_tokenizer_decode(
    const quire_tokenizer* tokenizer,
    const int32_t* ids,
    size_t num_ids,
    bool skip_special_tokens,
    quire_buffer* out,
    quire_buffer* error
);
/* -1: there is no such token. */
quire_status quire_tokenizer_token_to_id(
    const quire_tokenizer* tokenizer,
    const char* token,
    size_t size,
    int64_t* out,
    quire_buffer* error
);
/* out->data is null if there is no such id. */
quire_status quire_tokenizer_id_to_token(
    const quire_tokenizer* tokenizer, int32_t id, quire_buffer* out, quire_buffer* error
);
/* The backend that was taken, and why it is not fastokens (empty if it is, or was not asked for).
 */
quire_status quire_tokenizer_backend(
    const quire_tokenizer* tokenizer,
    quire_buffer* fallback_reason,
    int32_t* out,
    quire_buffer* error
);

/* ---- Text of every token ---- */

typedef struct quire_token_table_handle quire_token_table_handle;

#define QUIRE_TOKENS_ARE_BYTES 0 /* all bytes together are read as UTF-8, errors become U+FFFD */
#define QUIRE_TOKENS_ARE_TEXT 1 /* but for single bytes (QUIRE_TOKEN_FALLBACK_BYTE) */
#define QUIRE_TOKENS_ARE_GENERAL 2 /* a token's text depends on its neighbours: no pieces */

#define QUIRE_TOKEN_SPECIAL 1
#define QUIRE_TOKEN_ADDED 2
#define QUIRE_TOKEN_FALLBACK_BYTE 4
#define QUIRE_TOKEN_MISSING 8 /* no token has this id */

/* Piece i is bytes[offsets[i] .. offsets[i + 1]). All pointers are into the handle. */
typedef struct quire_token_table {
  quire_token_table_handle* handle;
  int32_t kind;
  uint32_t strip_count; /* up to so many characters strip_char go off the front of the whole text */
  uint8_t strip_char;
  size_t num_ids;
  const uint8_t* flags; /* [num_ids] */
  const uint32_t* offsets; /* [num_ids + 1] */
  const char* bytes;
  const uint32_t* first_offsets; /* pieces of a token that begins a text; null: the same ones */
  const char* first_bytes;
} quire_token_table;

quire_status quire_token_table_new(
    const quire_tokenizer* tokenizer, quire_token_table* out, quire_buffer* error
);
void quire_token_table_free(quire_token_table table);

/* ---- Chat template ---- */

typedef struct quire_chat_template quire_chat_template;

/* `globals`: a JSON object with variables of every rendering (the special tokens).
 * At most 64 KiB of source. */
quire_status quire_chat_template_new(
    const char* source,
    size_t source_size,
    const char* globals,
    size_t globals_size,
    quire_chat_template** out,
    quire_buffer* error
);
void quire_chat_template_free(quire_chat_template* chat_template);

/* `context`: a JSON object. `now`: seconds since the epoch for strftime_now; null: the clock's.
 * At most 10 million steps, 64 MiB of text and 192 MiB of memory. */
quire_status quire_chat_template_render(
    const quire_chat_template* chat_template,
    const char* context,
    size_t context_size,
    const int64_t* now,
    quire_buffer* out,
    quire_buffer* error
);
/* True if the template loops over message.content. */
bool quire_chat_template_takes_parts(const quire_chat_template* chat_template);

/* ---- Grammar ---- */

typedef struct quire_grammar_compiler quire_grammar_compiler;
typedef struct quire_grammar_matcher quire_grammar_matcher;

/* `vocab_size` is the model's; ids beyond the tokenizer's are never allowed. */
quire_status quire_grammar_compiler_new(
    const quire_tokenizer* tokenizer,
    size_t vocab_size,
    const int32_t* eos_ids,
    size_t num_eos_ids,
    quire_grammar_compiler** out,
    quire_buffer* error
);
void quire_grammar_compiler_free(quire_grammar_compiler* compiler);

/* `kind`: "json_schema" (up to 256 KiB), "json_object", "regex", "lark", "llguidance" (16 KiB). */
quire_status quire_grammar_matcher_new(
    const quire_grammar_compiler* compiler,
    const char* kind,
    size_t kind_size,
    const char* source,
    size_t source_size,
    quire_grammar_matcher** out,
    quire_buffer* error
);
quire_status quire_grammar_matcher_clone(
    const quire_grammar_matcher* matcher, quire_grammar_matcher** out, quire_buffer* error
);
void quire_grammar_matcher_free(quire_grammar_matcher* matcher);

/* Bit id % 32 of words[id / 32] is set for each token that may come next. */
quire_status quire_grammar_matcher_fill_mask(
    quire_grammar_matcher* matcher, uint32_t* words, size_t num_words, quire_buffer* error
);
quire_status quire_grammar_matcher_consume(
    quire_grammar_matcher* matcher, const int32_t* ids, size_t num_ids, quire_buffer* error
);
quire_status quire_grammar_matcher_rollback(
    quire_grammar_matcher* matcher, size_t num_tokens, quire_buffer* error
);
/* How many of `ids` would be accepted one after another; the state stays. */
quire_status quire_grammar_matcher_validate(
    quire_grammar_matcher* matcher,
    const int32_t* ids,
    size_t num_ids,
    size_t* out,
    quire_buffer* error
);
/* The tokens that must come next. */
quire_status quire_grammar_matcher_forced_tokens(
    quire_grammar_matcher* matcher, quire_ids* out, quire_buffer* error
);
/* Bit 0: the output may end here. Bit 1: it has ended. */
quire_status quire_grammar_matcher_state(
    quire_grammar_matcher* matcher, uint32_t* out, quire_buffer* error
);

#ifdef __cplusplus
}
#endif

#endif
