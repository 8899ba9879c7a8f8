// What the Bot API refuses and telegram-test-api lets through: limits of text, keyboards, commands, webhooks.
'use strict';

const TEXT = 4096;
const CALLBACK_DATA_BYTES = 64;
const NOTICE = 200; // what answerCallbackQuery may show
const COMMANDS = 100;
const TAGS = new Set('b strong i em u ins s strike del code pre a blockquote tg-spoiler'.split(' '));
const ENTITIES = { '&lt;': '<', '&gt;': '>', '&amp;': '&', '&quot;': '"' };

// A refusal is thrown where it is found and answered in one place
class Refusal extends Error {
  constructor(description, code = 400, parameters = undefined) {
    super(description);
    Object.assign(this, { code, parameters, breach: false });
  }
}

// A request that is wrong whatever happened before it: ours to mend, and a test that did not expect it fails
class Breach extends Refusal {
  constructor(description, code) {
    super(description, code);
    this.breach = true;
  }
}

function parsed(value, what) {
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    throw new Breach(`Bad Request: can't parse ${what} JSON object`);
  }
}

// The text as people see it. Of the markups only HTML is known: ours would be the second reading of the others.
function shown(text, mode) {
  if (!mode) return text.trim();
  if (mode.toLowerCase() !== 'html') throw new Breach(`Bad Request: unsupported parse_mode (${mode} is not emulated)`);
  const open = [];
  const plain = text.replace(/<(\/?)([a-z-]*)([^<>]*)>|[<>]/gi, (all, closing, tag) => {
    if (tag === undefined || !TAGS.has(tag.toLowerCase())) {
      throw new Breach(`Bad Request: can't parse entities: Unsupported start tag "${tag ?? ''}"`);
    }
    if (!closing) open.push(tag);
    else if (open.pop() !== tag) throw new Breach(`Bad Request: can't parse entities: Unmatched end tag "${tag}"`);
    return '';
  });
  if (open.length) {
    throw new Breach(`Bad Request: can't parse entities: Can't find end tag corresponding to start tag "${open.pop()}"`);
  }
  return plain.replace(/&(?:lt|gt|amp|quot);/g, (entity) => ENTITIES[entity]).trim();
}

function checkText(params) {
  const text = shown(String(params.text ?? ''), params.parse_mode);
  if (!text) throw new Breach('Bad Request: message text is empty');
  if ([...text].length > TEXT) throw new Breach('Bad Request: message is too long');
  return text;
}

function checkButton(button) {
  const wrong = "Bad Request: can't parse inline keyboard button";
  if (!button || !button.text) throw new Breach(`${wrong}: Field "text" must be of type String`);
  const actions = Object.keys(button).filter((key) => key !== 'text');
  if (!actions.length) throw new Breach(`${wrong}: Text buttons are unallowed in the inline keyboard`);
  const bytes = button.callback_data === undefined ? 1 : Buffer.byteLength(button.callback_data);
  if (bytes < 1 || bytes > CALLBACK_DATA_BYTES) throw new Breach('Bad Request: BUTTON_DATA_INVALID');
  if (button.url !== undefined && !/^(https?|tg):\/\/./.test(button.url)) {
    throw new Breach(`Bad Request: inline keyboard button URL '${button.url}' is invalid`);
  }
}

function checkKeyboard(params) {
  const markup = parsed(params.reply_markup, 'reply keyboard markup');
  for (const row of markup?.inline_keyboard ?? []) row.forEach(checkButton);
  return markup;
}

function checkCommands(params) {
  const commands = parsed(params.commands, 'list of bot commands') ?? [];
  if (commands.length > COMMANDS) throw new Breach('Bad Request: BOT_COMMANDS_TOO_MUCH');
  for (const each of commands) {
    if (!/^[a-z0-9_]{1,32}$/.test(each.command)) throw new Breach('Bad Request: BOT_COMMAND_INVALID');
    if (!each.description || [...each.description].length > 256) throw new Breach('Bad Request: BOT_COMMAND_DESCRIPTION_INVALID');
  }
  return commands;
}

function checkWebhook(params) {
  const url = new URL(params.url);
  const here = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname); // the only http that a test can serve
  if (url.protocol !== 'https:' && !here) throw new Breach('Bad Request: bad webhook: An HTTPS URL must be provided for webhook');
  if (params.secret_token && !/^[A-Za-z0-9_-]{1,256}$/.test(params.secret_token)) {
    throw new Breach('Bad Request: secret token contains unallowed characters');
  }
}

function checkNotice(params) {
  if ([...String(params.text ?? '')].length > NOTICE) throw new Breach('Bad Request: MESSAGE_TOO_LONG');
}

module.exports = { Refusal, Breach, parsed, checkText, checkKeyboard, checkCommands, checkWebhook, checkNotice };
