// The Bot API for tests: telegram-test-api 4.2.1 with what it lacks around it.
//
// It stays the core for what it does well: the HTTP server, dispatch by method, ids, the stored conversation, edits and
// deletion, and taking in what a user says or presses. Around it stand what python-telegram-bot and our own rules need:
// complete answers (getMe, dates in seconds, edits, callback queries), updates that are kept until they are confirmed
// (updates.js), what the real API refuses (refusals.js), faults to order, a ledger, several bots, and a clock.
'use strict';

const routes = require('telegram-test-api/lib/routes').routes;
const TelegramServer = require('telegram-test-api');
const { Inbox } = require('./updates');
const { Refusal, Breach, parsed, checkText, checkKeyboard, checkCommands, checkWebhook, checkNotice } = require('./refusals');

const FIRST_QUERY = 4000000000000;

let state;
const reset = () => {
  for (const response of state?.hanging ?? []) response.socket?.destroy();
  for (const bot of state?.bots.values() ?? []) bot.inbox.end();
  state = {
    bots: new Map(), faults: [], calls: [], refused: [], hanging: new Set(), callbacks: new Set(), blocked: new Set(),
    chats: new Map(), messages: new Map(), now: null,
  };
};
const now = () => state.now ?? Math.floor(Date.now() / 1000);
const keyOf = (bot, chat, message) => `${bot.user.id}/${chat}/${message}`;

function botOf(token) {
  const bot = state.bots.get(token);
  if (!bot) throw new Refusal('Unauthorized', 401);
  return bot;
}

class Server extends TelegramServer {
  cleanUpDaemon() {} // a conversation lasts as long as its test

  // Our inbox instead of the core's list; the core has given the message its id
  async addUserUpdate({ botToken, messageId, callbackId, message, callbackQuery }) {
    const bot = botOf(botToken);
    if (callbackQuery) {
      const { from, data, message: under } = callbackQuery;
      const id = String(FIRST_QUERY + callbackId);
      state.callbacks.add(id);
      const query = { id, from, data, message: under, chat_instance: String(under.chat.id * 7919) };
      this.taken = bot.inbox.add({ callback_query: query });
    } else {
      const { botToken: _, ...said } = message;
      const whole = { message_id: messageId, ...said };
      state.messages.set(keyOf(bot, said.chat.id, messageId), whole);
      this.taken = bot.inbox.add({ message: whole });
      this.takenId = messageId;
    }
  }
}

// --- what a bot calls

const OWN = {
  getUpdates: (bot, params, response) => { bot.inbox.poll(params, response, (answer) => response.reply(answer)); },
  getWebhookInfo: (bot) => ({ ...bot.inbox.info(), ...bot.webhookInfo }),
  setMyCommands: (bot, params) => { bot.commands.set(scopeOf(params), checkCommands(params)); return true; },
  getMyCommands: (bot, params) => bot.commands.get(scopeOf(params)) ?? [],
  deleteMyCommands: (bot, params) => { bot.commands.delete(scopeOf(params)); return true; },
  deleteMessage(bot, { chat_id: chat, message_id: id }, response, server) {
    if (server.deleteMessage(Number(chat), Number(id)) || state.messages.delete(keyOf(bot, chat, id))) return true;
    throw new Refusal('Bad Request: message to delete not found');
  },
  sendChatAction: () => true,
  logOut: () => true,
  close: () => true,
};
const QUIET = new Set(['getMe', 'getUpdates', 'getWebhookInfo', 'getMyCommands']); // they change nothing: not for the ledger
const EVERYWHERE = { type: 'default' };
const scopeOf = ({ scope, language_code: language = '' }) => (
  `${JSON.stringify(parsed(scope, 'scope') ?? EVERYWHERE)} ${language}`.trim()
);

// Before the core acts: refuse what the real one refuses, make up what it would not do
const BEFORE = {
  sendMessage(bot, params, server) {
    params.text = checkText(params);
    params.reply_markup = checkKeyboard(params);
    if (params.reply_markup === undefined) delete params.reply_markup;
    const quoted = parsed(params.reply_parameters, 'reply parameters') ?? { message_id: params.reply_to_message_id };
    const found = quoted.message_id && findMessage(server, bot, params.chat_id, quoted.message_id);
    if (quoted.message_id && !found && !quoted.allow_sending_without_reply) {
      throw new Refusal('Bad Request: message to be replied not found');
    }
    params.quoted = found || undefined;
  },
  editMessageText(bot, params, server) {
    const text = checkText(params);
    edit(bot, params, server, text);
    params.text = text;
  },
  editMessageReplyMarkup(bot, params, server) { edit(bot, params, server); },
  answerCallbackQuery(bot, params) {
    checkNotice(params);
    if (!state.callbacks.has(String(params.callback_query_id))) {
      throw new Refusal('Bad Request: query is too old and response timeout expired or query ID is invalid');
    }
  },
  setWebhook(bot, params) {
    if (params.url) checkWebhook(params);
    if (params.url) bot.inbox.setWebhook(params);
    else bot.inbox.deleteWebhook(params);
    params.url = params.url || 'none'; // the core asserts one, and keeps a list that nobody reads
  },
  deleteWebhook(bot, params) { bot.inbox.deleteWebhook(params); },
};

function stored(server, bot, chat, id) {
  return server.storage.botMessages.find((each) => each.botToken === bot.token
    && String(each.messageId) === String(id) && String(each.message.chat_id) === String(chat));
}

function edit(bot, params, server, text) {
  const found = stored(server, bot, params.chat_id, params.message_id);
  if (!found) throw new Refusal('Bad Request: message to edit not found');
  const markup = checkKeyboard(params) ?? { inline_keyboard: [] }; // an edit without a keyboard takes the keyboard away
  const before = JSON.stringify([found.message.text, found.message.reply_markup?.inline_keyboard ?? []]);
  if (before === JSON.stringify([text ?? found.message.text, markup.inline_keyboard])) {
    throw new Refusal('Bad Request: message is not modified: specified new message content and reply markup '
      + 'are exactly the same as a current content and reply markup of the message');
  }
  params.reply_markup = markup;
  params.edit_date = now();
}

function findMessage(server, bot, chat, id) {
  const own = stored(server, bot, chat, id);
  return own ? botMessage(bot, own) : state.messages.get(keyOf(bot, chat, id));
}

function botMessage(bot, { messageId, message }) {
  const keyboard = message.reply_markup?.inline_keyboard;
  return {
    message_id: messageId,
    date: message.date,
    chat: state.chats.get(String(message.chat_id)) ?? { id: Number(message.chat_id), type: 'private' },
    from: bot.user,
    text: message.text,
    ...(message.edit_date && { edit_date: message.edit_date }),
    ...(message.quoted && { reply_to_message: message.quoted }),
    ...(keyboard?.length && { reply_markup: { inline_keyboard: keyboard } }),
  };
}

// What the core answered, as the real one would have said it
function completed(bot, method, params, result, server) {
  if (method === 'getMe') {
    return { ...bot.user, can_join_groups: true, can_read_all_group_messages: false, supports_inline_queries: false };
  }
  if (method === 'sendMessage') {
    const own = server.storage.botMessages[server.storage.botMessages.length - 1];
    own.message.date = now();
    return botMessage(bot, own);
  }
  if (method.startsWith('editMessage')) return botMessage(bot, stored(server, bot, params.chat_id, params.message_id));
  return true;
}

function blockedOrFaulty(bot, method, params) {
  const fault = state.faults.find((each) => each.times > 0 && each.method === method
    && (each.chat_id === undefined || String(each.chat_id) === String(params.chat_id))
    && (each.token === undefined || each.token === bot.token));
  if (fault) fault.times -= 1;
  if (fault?.error_code) throw new Refusal(fault.description, fault.error_code, fault.parameters);
  if (method === 'sendMessage' && state.blocked.has(keyOf(bot, params.chat_id, ''))) {
    throw new Refusal('Forbidden: bot was blocked by the user', 403);
  }
  return fault;
}

const asText = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

// The message was taken, or not, and the line goes silent or dead
function breakOff(fault, response) {
  if (fault.then === 'reset') response.socket.resetAndDestroy();
  else state.hanging.add(response);
}

function callRoute(app, server) {
  app.all('/bot:token/:method', (request, response, next) => {
    const { token, method } = request.params;
    const json = response.json.bind(response);
    const params = { ...request.query, ...request.body };
    const asked = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, asText(value)]));
    let fault;
    const refuse = ({ message, code, parameters, breach }) => {
      state.refused.push({ token, method, params: asked, error_code: code, description: message, breach });
      response.status(code);
      json({ ok: false, error_code: code, description: message, ...(parameters && { parameters }) });
    };
    response.reply = (answer) => { if (answer.error_code) response.status(answer.error_code); json(answer); };
    const accept = (result) => {
      if (!QUIET.has(method)) state.calls.push({ token, method, params: asked, result, time: Date.now() / 1000 });
      if (fault?.then) breakOff(fault, response);
      else json({ ok: true, result });
    };
    try {
      const bot = botOf(token);
      fault = blockedOrFaulty(bot, method, params);
      if (fault?.unseen) return breakOff(fault, response);
      if (OWN[method]) {
        const result = OWN[method](bot, params, response, server);
        return result === undefined ? undefined : accept(result);
      }
      if (BEFORE[method]) BEFORE[method](bot, params, server);
      else if (method !== 'getMe') throw new Breach('Not Found', 404);
      request.body = params;
      response.json = (answer) => (answer.ok ? accept(completed(bot, method, params, answer.result, server)) : json(answer));
      return next();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return refuse(error);
    }
  });
}

// --- what a test does

const CONTROL = {
  reset: (server) => { reset(); server.storage = { userMessages: [], botMessages: [] }; server.webhooks = {}; },

  bot: (server, { token, username, first_name: name }) => {
    const user = { id: Number(token.split(':')[0]), is_bot: true, first_name: name, username };
    state.bots.set(token, { token, user, inbox: new Inbox(), commands: new Map(), webhookInfo: {} });
  },

  set: (server, { token, now: moment, webhook_info: info, next_update_id: next, patience }) => {
    if (moment !== undefined) state.now = moment;
    if (!token) return;
    const bot = botOf(token);
    if (info) bot.webhookInfo = info;
    if (next) bot.inbox.nextId = next;
    if (patience) Object.assign(bot.inbox.patience, patience);
  },

  fault: (server, fault) => { state.faults.push({ times: 1, ...fault }); },

  // One more thing that a person says: text, or `content` of another kind; quoting `reply_to`
  message: async (server, { token, from, chat, text, content, reply_to: replyTo, date }) => {
    state.chats.set(String(chat.id), chat);
    const command = text?.match(/^\/\w+(@\w+)?/);
    const quoted = replyTo && findMessage(server, botOf(token), chat.id, replyTo);
    const message = { botToken: token, date: date ?? now(), from, chat, ...content };
    if (text !== undefined) message.text = text;
    if (quoted) message.reply_to_message = quoted;
    const entities = command && [{ type: 'bot_command', offset: 0, length: command[0].length }];
    const counted = command ? server.addUserCommand({ ...message, entities }) : server.addUserMessage(message);
    const { taken, takenId } = server;
    await counted;
    return { message_id: takenId, ...(await taken) };
  },

  edit: (server, { token, chat, message_id: id, text }) => {
    const message = state.messages.get(keyOf(botOf(token), chat.id, id));
    Object.assign(message, { text, edit_date: now() });
    return botOf(token).inbox.add({ edited_message: message });
  },

  press: async (server, { token, from, chat_id: chat, message_id: id, data, inaccessible }) => {
    const bot = botOf(token);
    const under = findMessage(server, bot, chat, id);
    if (!under) throw new Error(`the bot said no message ${id} in chat ${chat}`);
    const message = inaccessible ? { chat: under.chat, message_id: id, date: 0 } : under;
    const counted = server.addUserCallback({ botToken: token, from, data, message });
    const { taken } = server;
    await counted;
    return taken;
  },

  block: (server, { token, from, chat, blocked }) => {
    const bot = botOf(token);
    const member = { user: bot.user, status: 'member' };
    const kicked = { user: bot.user, status: 'kicked', until_date: 0 };
    const [before, after] = blocked ? [member, kicked] : [kicked, member];
    state.blocked[blocked ? 'add' : 'delete'](keyOf(bot, chat.id, ''));
    return bot.inbox.add({ my_chat_member: { chat, from, date: now(), old_chat_member: before, new_chat_member: after } });
  },

  // Any update, under any number
  update: (server, { token, update }) => botOf(token).inbox.add(update, { forced: true }),

  // Straight to the webhook and all at once, beside the queue
  post: async (server, { token, updates }) => Promise.all(updates.map((update) => botOf(token).inbox.post(update))),

  forgive: () => { for (const each of state.refused) each.breach = false; },

  ledger: () => ({
    calls: state.calls,
    refused: state.refused,
    bots: [...state.bots.values()].map(({ token, inbox, commands }) => ({
      token, pending: inbox.queue.map((item) => item.update), given_up: inbox.givenUp, commands: Object.fromEntries(commands),
    })),
  }),
};

function controlRoute(app, server) {
  app.all('/_:verb', async (request, response) => {
    try {
      response.json((await CONTROL[request.params.verb](server, request.body)) ?? {});
    } catch (error) {
      response.status(500).json({ error: String(error.stack) });
    }
  });
}

reset();
routes.unshift(controlRoute, callRoute);
const server = new Server({ port: Number(process.argv[2]), host: '127.0.0.1' });
server.start().then(() => console.log('listening at', server.config.apiURL));
process.stdin.resume().on('end', () => process.exit()); // whoever started it is gone
