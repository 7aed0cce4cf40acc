import { chatRequest } from '../api/chat_request';
import { readAnswers } from '../api/chat_stream';
import { ApiError, postChat } from '../api/client';
import {
  cutAfter,
  newAnswer,
  newConversation,
  newId,
  replaceTurn,
  selectedAnswer,
  titleOf,
  type Answer,
  type AssistantTurn,
  type Conversation,
} from './conversation';
import type { Server } from './server';
import type { Settings } from './settings';
import { loadConversations, removeConversation, saveConversation } from './storage';
import { Store } from './store';

export interface ChatState {
  conversations: Conversation[]; // stored ones, the latest first
  current: Conversation; // not among them while it is empty
  generatingTurn: string | null; // id of the turn that is being written
  isStorageFull: boolean;
}

/** The conversations and the answer that is being written: one at a time. */
export class Chat {
  readonly store: Store<ChatState>;
  private active: Generation | null = null;

  constructor(
    private readonly settings: Store<Settings>,
    private readonly server: Server,
  ) {
    const conversations = loadConversations();
    this.store = new Store<ChatState>({
      conversations,
      current: conversations[0] ?? newConversation(settings.value.systemPrompt),
      generatingTurn: null,
      isStorageFull: false,
    });
  }

  /** Reads again what another tab has stored. */
  reload(): void {
    const conversations = loadConversations();
    const { current, generatingTurn } = this.store.value;
    const stored = conversations.find(({ id }) => id === current.id);
    this.store.update({
      conversations,
      current: generatingTurn === null && stored ? stored : current,
    });
  }

  startNew(): void {
    this.stop();
    this.store.update({ current: newConversation(this.settings.value.systemPrompt) });
  }

  open(id: string): void {
    const found = this.store.value.conversations.find((each) => each.id === id);
    if (!found || found.id === this.store.value.current.id) return;
    this.stop();
    this.store.update({ current: found });
  }

  remove(id: string): void {
    if (id === this.store.value.current.id) this.startNew();
    removeConversation(id);
    const conversations = this.store.value.conversations.filter((each) => each.id !== id);
    this.store.update({ conversations, isStorageFull: false });
  }

  rename(id: string, title: string): void {
    const found = this.store.value.conversations.find((each) => each.id === id);
    if (found && title.trim()) this.keep({ ...found, title: title.trim() });
  }

  setSystemPrompt(systemPrompt: string): void {
    this.settings.update({ systemPrompt });
    const { current } = this.store.value;
    this.keep({ ...current, systemPrompt });
  }

  send(text: string): void {
    if (this.store.value.generatingTurn !== null) return;
    const { current } = this.store.value;
    const turns = [...current.turns, { role: 'user' as const, id: newId(), content: text }];
    this.keep({ ...current, title: current.title || titleOf(text), turns });
    void this.answer();
  }

  /** Replaces a message of the user; what followed it is asked anew. */
  edit(id: string, text: string): void {
    this.stop();
    const cut = cutAfter(this.store.value.current, id, true);
    this.keep(replaceTurn(cut, { role: 'user', id, content: text }));
    void this.answer();
  }

  /** Asks for another answer in place of the turn `id`; the old ones stay as variants. */
  regenerate(id: string): void {
    this.stop();
    const { current } = this.store.value;
    const turn = current.turns.find((each) => each.id === id);
    if (turn?.role !== 'assistant') return;
    this.keep(cutAfter(current, id, false));
    void this.answer(turn);
  }

  select(turn: AssistantTurn, selected: number): void {
    this.keep(replaceTurn(this.store.value.current, { ...turn, selected }));
  }

  /** Answers the tool calls of a turn, in their order, and lets the model go on. */
  answerTools(turn: AssistantTurn, results: string[]): void {
    if (this.store.value.generatingTurn !== null) return;
    const toolCalls = selectedAnswer(turn).toolCalls.map((call, index) => ({
      ...call,
      result: results[index] ?? '',
    }));
    const variants = turn.variants.map((each, index) =>
      index === turn.selected ? { ...each, toolCalls } : each,
    );
    const cut = cutAfter(this.store.value.current, turn.id, true);
    this.keep(replaceTurn(cut, { ...turn, variants }));
    void this.answer();
  }

  stop(): void {
    this.active?.abort.abort();
    if (this.active) this.conclude(this.active, null);
  }

  /** Shows the conversation and stores it, when there is something in it. */
  private keep(conversation: Conversation): void {
    const kept = { ...conversation, updatedAt: Date.now() };
    const state = this.store.value;
    const others = state.conversations.filter(({ id }) => id !== kept.id);
    const isEmpty = kept.turns.length === 0 && !kept.title;
    this.store.update({
      current: state.current.id === kept.id ? kept : state.current,
      conversations: isEmpty ? others : [kept, ...others],
      isStorageFull: isEmpty ? state.isStorageFull : !saveConversation(kept),
    });
  }

  /** Asks the model to continue the conversation, into a new turn or as variants of `known`. */
  private async answer(known?: AssistantTurn): Promise<void> {
    const asked = this.store.value.current;
    const model = this.server.model();
    const generation = new Generation(this.store, model, known);
    this.active = generation;
    let error: string | null = null;
    try {
      const request = chatRequest(asked, this.settings.value, model);
      const body = await postChat(request, this.server.apiKey(), generation.abort.signal);
      await readAnswers(body, model, generation.elapsedMs, (answers) => generation.show(answers));
    } catch (thrown) {
      error = (thrown as Error).message;
      if (thrown instanceof ApiError && thrown.status === 401) this.server.askForKey();
    }
    this.conclude(generation, error);
  }

  /** Stores what a generation came to, once. */
  private conclude(generation: Generation, error: string | null): void {
    if (this.active !== generation) return;
    this.active = null;
    this.store.update({ generatingTurn: null });
    this.keep(generation.finish(error));
  }
}

/** One answer, or several at once, on its way into the current conversation. */
class Generation {
  readonly abort = new AbortController();
  readonly elapsedMs: () => number;
  private readonly turn: AssistantTurn;
  private answers: Answer[];
  private frame = 0;

  constructor(
    private readonly store: Store<ChatState>,
    model: string,
    known: AssistantTurn | undefined,
  ) {
    const started = performance.now();
    this.elapsedMs = () => performance.now() - started;
    const before = known?.variants ?? [];
    this.answers = [newAnswer(model)];
    this.turn = {
      role: 'assistant',
      id: known?.id ?? newId(),
      variants: [...before, ...this.answers],
      selected: before.length,
    };
    const { current } = store.value;
    store.update({
      current: { ...current, turns: [...current.turns, this.turn] },
      generatingTurn: this.turn.id,
    });
  }

  /** Draws the answers, at most once per frame. */
  show(answers: Answer[]): void {
    this.answers = answers;
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.store.update({ current: this.conversation() });
    });
  }

  /** The conversation with the answers as they stay. */
  finish(error: string | null): Conversation {
    cancelAnimationFrame(this.frame);
    const totalMs = this.elapsedMs();
    this.answers = this.answers.map((answer) => ({
      ...answer,
      error: this.abort.signal.aborted ? null : error,
      finishReason: answer.finishReason ?? (this.abort.signal.aborted ? 'stopped' : null),
      timing: { ...answer.timing, totalMs },
    }));
    return this.conversation();
  }

  private conversation(): Conversation {
    const before = this.turn.variants.slice(0, this.turn.selected);
    const { current } = this.store.value;
    const shown = current.turns.find(({ id }) => id === this.turn.id);
    const selected = shown?.role === 'assistant' ? shown.selected : this.turn.selected;
    const variants = [...before, ...this.answers];
    return replaceTurn(current, { ...this.turn, variants, selected });
  }
}
