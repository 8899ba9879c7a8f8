"""Stop, start and help: whole messages that are about being asked, not about the question."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from app.domain.reply_cursor import Question
from app.domain.reply_phrases import Phrases, words
from app.domain.reply_tokens import Sort, Token
from app.domain.reply_words import COURTESIES


class Command(StrEnum):
    """What the person wants of us."""

    OPT_OUT = "optout"
    OPT_IN = "optin"
    HELP = "help"


_OUT = Phrases(
    # One word each; "cancel my order" is none of them.
    "stop|stopall|unsubscribe|cancel|end|quit|parar|pare|sair|cancelar|descadastrar|remover",
    "alto|baja|detener|salir",
    "stop_all|opt_out|optout|revoke|remove|remova|unsub|unsuscribe|unsubcribe|parem|paren|descadastre",
    "desinscrever|desinscreva|desuscribir|desuscribirme|desuscribirse|desinscribir|desinscribirme",
    # en
    "(just) stop (it|this) (now|already)",
    "(can_you|could_you) stop texting|messaging|contacting|emailing|spamming|bothering|writing (to) (me|us)",
    "(can_you|could_you) stop sending (me|us) (these|any|more|your)"
    " (messages|texts|emails|surveys|this|anything|stuff)",
    "stop (these|the|this|all|your) messages|texts|emails|survey|surveys|spam",
    "cancel (all|the|these|your) messages|texts|emails|surveys",
    "dont|do_not|never (ever) text|message|contact|email|write|bother (to) me|us (again|anymore|any_more)",
    "dont|do_not (ever) send me|us (any|any_more) (more) messages|texts|emails|surveys|anything"
    " (again|anymore|else)",
    "no_more messages|texts|emails|surveys|spam",
    "(i) dont|do_not|no_longer want|wish to get|receive (any) (more) messages|texts|emails|surveys (anymore)",
    "(i) dont|do_not want (any_more|these|your|more) messages|texts|emails|surveys (anymore)",
    "(i) (want|would_like|wish) to unsubscribe|opt_out (me|from_this|from_this_list)",
    "id_like_to unsubscribe|opt_out",
    "unsubscribe me (now|from_this|from_this_list|from_your_list|from_the_list|from_all)",
    "unsubscribe from_this|from_this_list|from_your_list|from_all",
    "(can_you|could_you) remove|delete me|us|my_number|this_number (from|off) (your|the|this) (mailing)"
    " (list|lists)",
    "(can_you|could_you) take me|us|my_number|this_number off|off_of (your|the|this) (mailing) (list|lists)",
    "opt me out",
    "leave me alone",
    # pt
    "(eu) quero|queria|desejo|gostaria_de sair|parar (da_lista|dessa_lista|desta_lista|da_lista_de_voces)",
    "(quero|queria|desejo|gostaria_de) parar de_receber (mensagem|mensagens|msgs|pesquisas|isso)",
    "sair da_lista|dessa_lista|desta_lista",
    "(eu) (ja) nao quero mais",
    "(eu) nao quero|desejo mais receber (nada|isso)",
    "(eu) nao quero|desejo (mais) receber (mais) msg|msgs|mensagem|mensagens|pesquisa|pesquisas|sms|contato"
    "|nenhuma_mensagem|essas_mensagens|suas_mensagens (de_voces|aqui)",
    "(eu) nao quero mais msg|msgs|mensagem|mensagens|pesquisa|pesquisas|contato (de_voces)",
    "nunca_mais|nao me mande|mandem|manda|envie|enviem (mais) msg|msgs|mensagem|mensagens|nada|pesquisas",
    "nao (me) mande|mandem|manda|envie|enviem|perturbe|perturbem|incomode|incomodem|escreva|escrevam mais"
    " (msg|msgs|mensagem|mensagens|nada|pesquisa|pesquisas)",
    "nao me perturbe|perturbem|incomode|incomodem|escreva|escrevam|contate|contatem",
    "pare|parem|para|parar|favor_parar|pode_parar|podem_parar de (me)"
    " mandar|enviar|encher|perturbar|incomodar"
    " (msg|msgs|mensagem|mensagens|isso|pesquisa|pesquisas|sms|essas_mensagens|o_saco) (para_mim|pra_mim)",
    "pare|parem agora|ja|com_isso|com_as_mensagens|com_essas_mensagens",
    "chega_de msg|msgs|mensagem|mensagens|pesquisas",
    "me tira|tire|tirem|retira|retire|remove|remova|removam|exclua|excluam|descadastra|descadastre"
    "|descadastrem (da_lista|dessa_lista|desta_lista|da_lista_de_voces|dai|daqui|disso)",
    "(quero|queria|desejo|gostaria_de|pode|podem|poderia|poderiam) me descadastrar|desinscrever (da_lista)",
    "pode|podem|poderia|poderiam me remover|tirar|excluir|retirar (da_lista|dessa_lista|desta_lista)",
    "me remover|tirar|excluir|retirar da_lista|dessa_lista|desta_lista",
    "remova|descadastre|tire me (da_lista|dessa_lista|desta_lista)",
    "remover|remova|tira|tire da_lista|dessa_lista|desta_lista",
    "remover|remova|remove|tira|tire|descadastrar|descadastre|excluir|exclua|apaga|apague (o) meu"
    " numero|contato|telefone|email (da_lista|dessa_lista|desta_lista)",
    "cancelar|parar (as) mensagens|pesquisas|msgs",
    "cancelar|parar (o) envio|recebimento de_mensagens|de_pesquisas",  # "cancelar o envio" is a parcel
    "me_deixa|me_deixe|me_deixem em_paz",
    # es
    "(ya) no_quiero (recibir) mas (mensajes|encuestas|nada|sms|correos) (de_ustedes)",
    "(ya) no_quiero|no_deseo recibir (mas) (estos|sus) mensajes|encuestas|sms|correos|nada (de_ustedes)",
    "ya_no_quiero (mas) mensajes|encuestas",
    "(ya) no (me) escriban|escribas|escriba|manden|mandes|mande|envien|envies|envie|contacten|molesten"
    "|molestes mas (mensajes|encuestas|nada)",
    "(ya) no me manden|mandes|mande|envien|envies|envie mensajes|encuestas|nada",
    "(ya) no me escriban|escribas|escriba|contacten|contacte|molesten|molestes",
    "no molesten",
    "(ya) no_quiero que_me escriban|manden|envien|contacten (mas) (mensajes|encuestas|nada)",
    "no_deseo mas mensajes|encuestas|nada",
    "no mas mensajes|encuestas",
    "deja|deje|dejen|para|pare|paren|basta de escribirme|mandarme|enviarme|mandar|enviar|molestar|molestarme"
    " (mensajes|encuestas|esto|cosas)",
    "parar|detener|cancelar (los|las|estos) mensajes|encuestas",
    "parar|detener|cancelar (el) envio de_mensajes|de_encuestas",
    "basta de mensajes|encuestas",
    "dejen|dejenme|dejame en_paz",
    "(quiero|me_quiero|quisiera|solicito|deseo|me_gustaria) dar|darme|darse (de) baja (de_la_lista|de_esto)",
    "quiero|solicito la_baja",
    "dame|denme|deme|me_doy de baja (de_la_lista)",
    "baja de_la_lista",
    "retirame|retirenme|sacame|saquenme|saqueme|quitame|quitenme|quiteme|borrame|borrenme|borreme|eliminame"
    "|eliminenme|elimineme"
    " (de_la_lista|de_su_lista|de_esta_lista|de_tu_lista)",
    "eliminar|borrar|quitar|remover|eliminen|borren mi numero|contacto (de_la_lista)",
    "(quiero) salir (de_la_lista|de_esta_lista)",
)
_IN = Phrases(
    "start|unstop|comecar|voltar|iniciar|volver|comenzar",
    "subscribe|resubscribe|opt_in|optin",
    "(quero) voltar a receber (mensagens|pesquisas)",
    "quero receber mensagens",
    "(quiero) volver a recibir (mensajes|encuestas)",
    "quiero recibir mensajes",
    "dar|darme|dame|denme de_alta",
    "quiero darme de_alta",
)
_HELP = Phrases("help|info|ajuda|ayuda")
_COMMANDS = {Command.OPT_OUT: _OUT, Command.OPT_IN: _IN, Command.HELP: _HELP}
# Of these a whole comment may consist ("0 - stop"), and still nothing else is meant.
_UNMISTAKABLE = frozenset(words("stop stopall unsubscribe descadastrar optout unsub"))


def command_in(tokens: Sequence[Token], question: Question) -> Command | None:
    """The command that this message is, politeness aside; None if it is anything else.

    Between two marks stands all of a command, or nothing of it: "stop! don't text me again" is one, and "não,
    quero mais" is not "não quero mais".
    """
    if any(token.sort is Sort.NUMBER for token in tokens):
        return None
    found = {_command(part, question) for part in _parts(tokens)}
    return found.pop() if len(found) == 1 else None


def wants_out(comment: Sequence[Token], question: Question) -> bool:
    """Does somebody who gave a score ask in the same breath not to be written to any more?"""
    said = {word for part in _parts(comment) for word in part}
    is_clear = len(said) > 1 or said <= _UNMISTAKABLE
    return is_clear and command_in(comment, question) is Command.OPT_OUT


def _command(said: tuple[str, ...], question: Question) -> Command | None:
    if len(set(said)) == 1:
        said = said[:1]  # "STOP STOP STOP"
    # The Spanish pair is BAJA and ALTA; but "alta" is high as well, and may answer how satisfied somebody is.
    if said == ("alta",) and question.language == "es" and not question.has_stars:
        return Command.OPT_IN
    return next((command for command, phrases in _COMMANDS.items() if said in phrases), None)


def _parts(tokens: Sequence[Token]) -> Iterator[tuple[str, ...]]:
    """The words between the marks, without courtesies; parts of nothing else are left out."""
    if len(tokens) > 2 and tokens[0].is_mark("/") and tokens[2].text == "@":
        tokens = tokens[:2]  # in a group, Telegram adds the name: /stop@RetornoBot
    part: list[Token] = []
    for token in (*tokens, None):
        if token is not None and token.sort is Sort.WORD:
            part.append(token)
        elif part:
            if said := _without_courtesies(part):
                yield said
            part = []


def _without_courtesies(part: Sequence[Token]) -> tuple[str, ...]:
    first, last = 0, len(part)
    while length := COURTESIES.match(part, first):
        first += length
    said = tuple(token.text for token in part)
    while length := _courtesy_before(said[first:last]):
        last -= length
    return said[first:last]


def _courtesy_before(said: tuple[str, ...]) -> int:
    """How many words the longest courtesy has that ends these; 0 if none does."""
    longest = min(COURTESIES.longest, len(said))
    return next((length for length in range(longest, 0, -1) if said[-length:] in COURTESIES), 0)
