// A bot's incoming updates as the Bot API keeps them: confirmed by a higher offset, delivered again until then,
// or pushed to a webhook until it says 2xx. telegram-test-api forgets them on reading and pushes once.
'use strict';

const http = require('http');
const https = require('https');
const { Refusal, parsed } = require('./refusals');

const FIRST_ID = 500001; // every bot counts from here: the same id from two bots is two updates
const FUTURE = 10; // an offset that is further ahead than this is not believed, and nothing is confirmed by it
const UNASKED = ['chat_member', 'message_reaction', 'message_reaction_count'];
const PATIENCE = { attempts: 6, delay_ms: 50, timeout_ms: 10000 };

class Inbox {
  constructor() {
    this.queue = []; // {update, forced, attempts, taken, tried}
    this.nextId = FIRST_ID;
    this.patience = { ...PATIENCE };
    this.allowed = null;
    this.webhook = null;
    this.error = {};
    this.generation = 0;
    this.givenUp = [];
  }

  // Resolves as soon as it was tried once on the webhook; at once when there is none
  add(content, { forced = false } = {}) {
    const kind = Object.keys(content).find((key) => key !== 'update_id');
    const wanted = forced || (this.allowed ? this.allowed.includes(kind) : !UNASKED.includes(kind));
    if (!wanted) return { update_id: null };
    const update = { update_id: content.update_id ?? this.nextId, ...content };
    if (update.update_id >= this.nextId) this.nextId = update.update_id + 1;
    const item = { update, forced, attempts: 0, taken: false };
    const tried = new Promise((resolve) => { item.tried = resolve; });
    this.queue.push(item);
    if (this.waiting) this.waiting.answer();
    if (!this.webhook) return { update_id: update.update_id };
    this.push();
    return tried.then((status) => ({ update_id: update.update_id, status }));
  }

  // --- polling

  poll(params, response, answer) {
    if (this.webhook) {
      const how = 'use deleteWebhook to delete the webhook first';
      throw new Refusal(`Conflict: can't use getUpdates method while webhook is active; ${how}`, 409);
    }
    this.interrupt('terminated by other getUpdates request; make sure that only one bot instance is running');
    this.allow(params);
    this.confirm(Number(params.offset) || 0);
    const limit = Math.min(Math.max(Number(params.limit) || 100, 1), 100);
    const hand = () => {
      const items = this.queue.slice(0, limit);
      for (const item of items) item.forced = false;
      answer({ ok: true, result: items.map((item) => item.update) });
    };
    const seconds = Math.min(Number(params.timeout) || 0, 50);
    if (this.queue.length || !seconds) return hand();
    return this.wait(seconds, response, hand, answer);
  }

  wait(seconds, response, hand, answer) {
    const end = (how) => () => {
      clearTimeout(timer);
      this.waiting = undefined;
      how();
    };
    const timer = setTimeout(() => this.waiting.answer(), seconds * 1000);
    this.waiting = {
      answer: end(hand),
      refuse: (why) => end(() => answer({ ok: false, error_code: 409, description: `Conflict: ${why}` }))(),
    };
    const own = this.waiting;
    response.once('close', () => { if (this.waiting === own) end(() => {})(); }); // the poller is gone
  }

  interrupt(why) {
    if (this.waiting) this.waiting.refuse(why);
  }

  confirm(offset) {
    if (offset < 0) this.queue = this.queue.slice(offset);
    else if (offset <= this.nextId + FUTURE) {
      this.queue = this.queue.filter((item) => item.forced || item.update.update_id >= offset);
    }
  }

  allow(params) {
    const kinds = parsed(params.allowed_updates, 'allowed updates');
    if (kinds !== undefined) this.allowed = kinds.length ? kinds : null;
  }

  // --- webhook

  setWebhook(params) {
    this.interrupt('terminated by setWebhook request');
    this.webhook = { ...params, parallel: Number(params.max_connections) || 1 }; // in order, unless told how many at a time
    this.allow(params);
    this.generation += 1;
    this.error = {};
    if (String(params.drop_pending_updates) === 'true') this.queue = [];
    for (const item of this.queue) Object.assign(item, { taken: false, attempts: 0 });
    this.push();
  }

  deleteWebhook(params = {}) {
    this.webhook = null;
    this.generation += 1;
    this.error = {};
    for (const item of this.queue) item.tried(null);
    if (String(params.drop_pending_updates) === 'true') this.queue = [];
  }

  // The test is over
  end() {
    this.deleteWebhook();
    this.queue = [];
    if (this.waiting) this.waiting.answer();
  }

  info() {
    const { url = '', max_connections: connections } = this.webhook ?? {};
    return {
      url,
      has_custom_certificate: false,
      pending_update_count: this.queue.length,
      ...(connections && { max_connections: Number(connections) }),
      ...(this.allowed && { allowed_updates: this.allowed }),
      ...this.error,
    };
  }

  push() {
    const { generation } = this;
    const busy = this.queue.filter((item) => item.taken === generation).length;
    const room = Math.max(0, this.webhook.parallel - busy);
    const free = this.queue.filter((item) => item.taken !== generation).slice(0, room);
    for (const item of free) {
      item.taken = generation;
      this.deliver(item, generation);
    }
  }

  async deliver(item, generation) {
    const status = await this.post(item.update);
    item.tried(status);
    if (generation !== this.generation) return;
    item.attempts += 1;
    if (status >= 200 && status < 300) this.drop(item);
    else if (item.attempts < this.patience.attempts) {
      this.error = {
        last_error_date: Math.floor(Date.now() / 1000),
        last_error_message: status ? `Wrong response from the webhook: ${status}` : 'Connection failed',
      };
      const pause = this.patience.delay_ms * 2 ** (item.attempts - 1);
      setTimeout(() => generation === this.generation && this.deliver(item, generation), pause);
      return;
    } else {
      this.givenUp.push(item.update);
      this.drop(item);
    }
    this.push();
  }

  drop(item) {
    this.queue = this.queue.filter((each) => each !== item);
  }

  // The HTTP status; 0 where nothing answered
  post(update) {
    const body = JSON.stringify(update);
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    if (this.webhook.secret_token) headers['X-Telegram-Bot-Api-Secret-Token'] = this.webhook.secret_token;
    const url = new URL(this.webhook.url);
    const { request } = url.protocol === 'https:' ? https : http;
    return new Promise((resolve) => {
      const call = request(url, { method: 'POST', headers, agent: false, timeout: this.patience.timeout_ms });
      call.on('response', (response) => { response.resume(); response.on('close', () => resolve(response.statusCode)); });
      call.on('timeout', () => call.destroy());
      call.on('error', () => resolve(0));
      call.end(body);
    });
  }
}

module.exports = { Inbox };
