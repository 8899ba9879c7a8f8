"""The words of Portuguese, English and Spanish by which a typed score is known, as `fold` writes them."""

from types import MappingProxyType

from app.domain.reply_phrases import Phrases, words

_PORTUGUESE = words("zero um dois tres quatro cinco seis sete oito nove dez")
_ENGLISH = words("zero one two three four five six seven eight nine ten")
_SPANISH = words("cero uno dos tres cuatro cinco seis siete ocho nueve diez")
NUMBERS = MappingProxyType(
    {word: value for each in (_PORTUGUESE, _ENGLISH, _SPANISH) for value, word in enumerate(each)}
)
# Numbers that are also "a": a score only where nothing else can be meant ("um momento", "one of the best").
ARTICLE_LIKE = frozenset(words("um uno one"))
BEFORE_STARS = MappingProxyType({"uma": 1, "una": 1, "duas": 2})  # "uma estrela"
POINTS = frozenset(words("ponto pontos point points pts pt punto puntos"))
STARS = frozenset(words("estrela estrelas star stars estrella estrellas"))
GLUED_BEFORE = frozenset(words("nota"))  # "nota10"

_POLITE = Phrases(
    "por_favor|porfavor|porfa|pf|pfv|pfvr|please|pls|plz",
    "(muito|muitissimo) obrigado|obrigada|obg|grato|grata|agradecido|agradecida",
    "obrigadao|obgd|obgda|brigado|brigada|valeu|vlw|agradeco",
    "(many) thanks (guys|team|all|again|a_lot|so_much|very_much)",
    "thank_you|thankyou (guys|all|again|so_much|very_much)",
    "thx|tks|tnx|ty|tyvm|ta",
    "(muchas|muchisimas) gracias|agradecido|agradecida",
    "abs|bjs|bj|att|atte|flw|tmj|saludos",
)
# Behind a number these could be what is counted ("three cheers", "2 abraços"), so they stand after a mark.
_REGARDS = Phrases(
    "(um|un) abraco|abracos|abrazo|abrazos|beijo|beijos|besos|saludo",
    "cheers|regards|kind_regards|best_regards|atenciosamente|mil_gracias",
)
SIGN_OFFS = _REGARDS | Phrases("pessoal|gente|equipe|equipo|team|guys|all|everyone|amigos")
_DAYTIMES = Phrases(
    "bom_dia|boa_tarde|boa_noite",
    "good_morning|good_afternoon|good_evening|good_day|good_night",
    "buen_dia|buenos_dias|buenas_tardes|buenas_noches",
)
GREETINGS = _DAYTIMES | Phrases(
    "oi|oie|oii|oiii|ola|opa|salve|eai|e_ai (pessoal|gente|equipe|time|amigos|bom_dia|boa_tarde|boa_noite)",
    "(oi|ola|opa) (tudo|td) bem|bom|certo",
    "hi|hello|hey|hiya (there|team|guys|all|everyone|folks|good_morning|good_afternoon|good_evening)",
    "hola (equipo|amigos|a_todos|buenas|buen_dia|buenos_dias|buenas_tardes|buenas_noches)",
    "(hola) que_tal|como_estas|como_estan|como_esta",
    "buenas",
)
COURTESIES = _POLITE | GREETINGS | _REGARDS  # around a command: "oi, sair por favor"
_FILLERS = Phrases(
    "ok|okay|sim|si|yes|yeah|yep|claro|bom|bem|bueno|pues|entao|entonces|well|so",
    "certo|beleza|blz|ta_bom|ta_bem|olha|mira|a_ver|realmente|la_verdad|la_verdad_es_que|sure|imo",
    "por_mi_parte|de_mi_parte|da_minha_parte|de_minha_parte",
    "(eu|yo) acho|creio|creo|penso|pienso|considero que",
    "(eu) acho_q",
    "i think|believe|feel (that)",
    "para|pra|por mim|mi (e|eh|es)",
    "for|to me (its|it_is)",
    "na_minha_opiniao|en_mi_opinion|in_my_opinion (e|eh|es|its|it_is)",
    "honestly|sinceramente|honestamente|francamente|overall|no_geral|em_geral|en_general",
    "com_certeza|con_certeza|sem_duvida|sem_duvidas|sin_duda|sin_dudas|definitely",
)
# Who corrects a score says the new one alone: "na verdade 4", "I meant 4", "mejor dicho 4"
_AMENDMENTS = Phrases(
    "na_verdade|na_vdd|na_real|alias|digo|ou_melhor|melhor_dizendo|quer_dizer|foi_mal|me_enganei",
    "ops|quero_corrigir",
    "(eu) quis|queria|quero dizer|colocar|digitar",
    "corrigindo|correcao|corrijo|retificando|retifico|desculpa|desculpe|perdao",
    "(eu) (quero|vou|queria|gostaria_de|pode|podem) mudar|mudo|muda|mude|mudando|mudei|trocar|troca"
    "|troque|alterar|altero|altera|altere|corrigir|corrija|corrige (a) (minha_nota|nota|minha_resposta)"
    " para|pra",  # "troco pra 10" is small change
    "mejor_dicho|o_mejor|o_mejor_dicho|rectifico|en_realidad|de_hecho|o_sea|corrigiendo|correccion",
    "perdon|perdona|disculpa|disculpe|ups",
    "me_equivoque|me_confundi",
    "(yo) quise|queria|quiero decir|poner|escribir",
    "(quiero|quisiera) cambiar|cambio|cambia|cambie|cambialo|cambiarlo|cambiarla (mi|la)"
    " (nota|respuesta|calificacion|puntuacion) a",
    "actually|in_fact|oops|whoops|sorry|my_bad|my_mistake|typo|edit|correction|correcting",
    "(sorry|oops) i|we meant|mean (to) (say|type|put|write|give)",
    "meant (to_say|to_type|to_put)",
    "(please|i_want_to|id_like_to|can_you) change|changing (it|that|my|the) (score|answer|rating|vote) to",
    "(please|i_want_to|id_like_to|can_you) update|switch it|my_score|my_answer|my_rating to",
    "actually|sorry|oops|please make|its|it_is (it|that)",
)
# The same where a pause follows: "errei, 4"; "errei 4" may be four mistakes, "wait 5" five minutes
PAUSED_AMENDMENTS = Phrases("errei|wait|no_wait|espera|pera|perai|scratch_that|hold_on")
OPENERS = _POLITE | GREETINGS | _FILLERS | _AMENDMENTS

FRAMES = Phrases(
    # pt
    "(a|o) minha|meu nota|avaliacao|pontuacao|voto|resposta|escolha (final|geral) (e|eh|vai_ser|seria) (um)",
    "(a|o) nota|avaliacao|pontuacao|voto|resposta (final|geral) e|eh|vai_ser|seria (um)",
    "(a) minha_nota|minha_avaliacao para|pra voces|vcs (e|eh)",
    "mi_nota|mi_calificacion para ustedes (es) (un)",
    "nota|avaliacao|pontuacao|voto|resposta (final|geral) (um)",
    "uma nota",
    "(eu) dou|daria|darei|vou_dar|atribuo (uma_nota|a_nota|nota|uma_nota_de|um)",
    "(eu) te|lhe|lhes dou|daria|darei uma_nota|nota|uma_nota_de|um",
    "(eu) seria (um|nota|uma_nota)",
    "(eu) avalio|avaliaria|classifico com|em|como (uma) (nota) (um)",
    "(eu) voto|escolho|coloco|ponho|diria|diria_que|voto_em|fico_com|pode_colocar (nota|um|o)",
    "eh (um|nota|uma_nota)",
    "e_um|um",
    # es
    "(la|el) mi nota|calificacion|puntaje|puntuacion|valoracion|evaluacion|voto|respuesta (final|general)"
    " (es|seria|es_de) (un)",
    "la|el nota|calificacion|puntaje|puntuacion|valoracion|evaluacion|respuesta (final) es|seria (un)",
    "nota|calificacion|puntaje|puntuacion|valoracion|evaluacion|respuesta (final|general) (un)",
    "(mi) calificacion|puntaje|puntuacion|valoracion de",
    "una|un nota|calificacion|puntaje|puntuacion de",
    "(yo) (le|les|te|os|lo|la) doy|daria|dare|voy_a_dar|pongo|pondria|voy_a_poner"
    " (un|una|la) (nota|nota_de|calificacion_de|puntaje_de|puntuacion_de)",
    "(yo) (le|les|lo|la|los) califico|calificaria|valoro|evaluo con|como (un)",
    "(yo) voto|elijo|escojo|diria|diria_que|me_quedo_con (un|el)",
    "es|seria (un)",
    "un|mejor_un",
    # en
    "my scores|ratings|answers (a|an)",  # as in "my score's 8"
    "my (final|overall) score|rating|rate|answer|grade|vote|response|choice (is|of|would_be) (a|an)",
    "the (final|overall) score|rating|answer is|would_be (a|an)",
    "(final|overall) score|rating|rate|answer (is|of) (a|an)",
    "a score|rating of",
    "i|we (would) give|rate|score (it|you|them|this|that|you_guys|the_service|your_service) (a|an)",
    "id|wed give|rate|score (it|you|them|this|that|you_guys|the_service|your_service) (a|an)",
    "would give|rate|score (it|you|them|this) (a|an)",
    "ill|will|i_will|we_will give|rate|score (it|you|them|this|you_guys) a|an",  # "I'll give it 5": minutes
    "ill|i_will give|rate",
    "ill|i_will say|go_with|go_for|choose|pick (a|an)",
    "giving|give|rate|rating it|you|them|this a|an",
    "rate it",
    "im|i_am giving (it|you|this|you_guys) (a|an)",
    "mine is (a|an)",
    "(it|that) would_be a|an",
    "i|id|we|wed (would) say|choose|pick|vote|go_with|go_for (its|it_is|that_its) (a|an)",
    "(im|i_am) going_with|going_to_say|gonna_say (a|an)",
    "its|it_is|it_was|thats|that_is|this_is a|an (solid|strong|perfect|definite|clear)",
    "a|an (solid|strong|perfect|definite|clear)",
    "put_me_down_for|put_me_down_as|make_it|make_that a|an",
)
# "I would give it a 10, but ...": then it is no 10
CONDITIONAL = frozenset(words("daria avaliaria diria seria pondria calificaria would id wed"))
CONTRASTS = frozenset(
    words("mas but pero porem contudo however although embora aunque though except exceto so")
)
NOUNS = frozenset(words("nota score rating avaliacao pontuacao calificacion puntaje puntuacion valoracion"))
BARE_ARTICLES = frozenset({("um",), ("un",), ("a",), ("an",)})

CLOSERS = (
    _POLITE
    | _DAYTIMES
    | Phrases(
        "ok",
        "para|pra|p|por mim|mi",
        "da_minha_parte|de_minha_parte|de_mi_parte|por_mi_parte|for_me|from_me|from_us|imo",
        "overall|no_geral|em_geral|en_general|em_tudo|en_todo",
        "com_certeza|con_certeza|sem_duvida|sem_duvidas|sin_duda|sin_dudas|sin_duda_alguna",
        "definitely|for_sure",
        "com_louvor",
        "para|pra|p voces|vcs|voce|vc|ustedes|uds|ti|vosotros",
        "for you (guys|all)",
        "na_verdade|actually|mejor_dicho|en_realidad|quis_dizer|quise_decir|i_meant",
        "sorry|desculpa|desculpe|perdon",
        "i_think|id_say|i_would_say|eu_acho|acho|acho_eu|creo|creo_yo",
        "eu_diria|diria|diria_eu|yo_diria|diria_yo",
        "(e|eh) (a|o) minha|meu nota|avaliacao|voto|resposta",
        "es mi nota|calificacion|puntaje|puntuacion|voto|respuesta",
        "is my score|rating|answer|vote|grade",
    )
)

OF = Phrases("de|em|sobre|of", "out_of", "de_um_total_de|de_un_total_de")
ON_A_SCALE = Phrases(
    "(em_uma|numa|na|en_una|en_la|en|on_a|on_the) escala|scale (de|del|from|of)",
    "de|del|from|entre|between",
)
UP_TO = frozenset(words("a ate to al ao e y and"))
