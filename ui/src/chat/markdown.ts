import DOMPurify from 'dompurify';
import { Marked, type Token, type TokensList } from 'marked';

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

// HTML that a model writes is shown as text. Pictures become links: loading one would tell its
// host what was said here.
const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }) => escapeHtml(text),
    image: ({ href, text }) => `<a href="${escapeHtml(href)}">${escapeHtml(text || href)}</a>`,
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
});

DOMPurify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName === 'A') {
    node.setAttribute('target', '_blank');
    node.setAttribute('rel', 'noopener noreferrer nofollow');
  }
});

const ALLOWED = {
  ALLOWED_TAGS: (
    'a b blockquote br code del em h1 h2 h3 h4 h5 h6 hr i li ol p pre s strong ' +
    'table tbody td th thead tr ul'
  ).split(' '),
  ALLOWED_ATTR: ['align', 'class', 'href', 'start', 'title'],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  RETURN_TRUSTED_TYPE: true,
};

export interface Block {
  raw: string;
  code: { language: string; text: string } | null; // a fenced block is drawn by the page itself
  tokens: TokensList;
}

/** The top-level parts of a text. A growing text changes its last ones only. */
export function blocksOf(text: string): Block[] {
  const tokens = marked.lexer(text);
  return tokens
    .filter((token) => token.type !== 'space' && token.type !== 'def')
    .map((token) => ({ raw: token.raw, code: codeOf(token), tokens: listOf(token, tokens) }));
}

function codeOf(token: Token): Block['code'] {
  if (token.type !== 'code') return null;
  return { language: (token['lang'] as string | undefined) ?? '', text: token['text'] as string };
}

function listOf(token: Token, all: TokensList): TokensList {
  return Object.assign([token], { links: all.links });
}

/** A block as HTML that is safe to show. */
export function htmlOf(block: Block): string {
  // With Trusted Types it is a TrustedHTML, which the DOM takes in place of a string.
  return DOMPurify.sanitize(marked.parser(block.tokens), ALLOWED) as unknown as string;
}
