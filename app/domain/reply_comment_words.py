"""The words of Portuguese, English and Spanish that begin a comment on a score, spoil it or count in it."""

from app.domain.reply_phrases import Phrases, words
from app.domain.reply_words import ARTICLE_LIKE, NUMBERS, STARS

# "8 because ...", "8 mas ...": the comment begins without a mark
REASONS = Phrases(
    "porque|por_que|pq|pois|ja_que|por_causa|devido",
    "because|bc|cuz|coz|cos|cause|due_to",
    "ya_que|xq|por_culpa|debido",
)
JOINTS = REASONS | Phrases("mas|porem|so_que|but|pero|solo_que")
AND = frozenset(words("e y and eh que"))
ARTICLES = frozenset(words("a as o os la las el the at in na no de do da del of"))
# So does a judgement that nobody counts: "9 excelente", but not "9 great", which may go on with "agents".
JUDGEMENTS = Phrases(
    "excelente|otimo|otima|perfeito|perfeita|perfecto|perfecta|maravilhoso|maravilhosa",
    "pessimo|pessima|horrivel|pesimo|pesima",
    "adorei|amei|gostei|recomendo|recomiendo|parabens|felicitaciones|felicidades",
    "bom|boa|bueno|buena|buen|ruim|malo|mala|regular|legal|me_encanto|me_gusto",
    "muito bom|boa|ruim|satisfeito|satisfeita|insatisfeito|insatisfeita|facil|dificil",
    "muy bueno|buena|bien|malo|mala|mal|satisfecho|satisfecha|insatisfecho|insatisfecha|facil|dificil",
    "obrigado|obrigada|obg|gracias|thanks|thank_you (pelo|pela|por|for)",
)
# After "10/10" they do no harm either.
AFTER_A_SCALE = JUDGEMENTS | Phrases(
    "would|will recommend|buy|use|do|go|order|shop",
    "great|excellent|awesome|amazing|loved|love|perfect|fantastic|brilliant|outstanding|superb",
    "highly recommend",
)

# What a comment begins with that leaves the score in doubt
DOUBTFUL_STARTS = Phrases(
    # another number may follow, or a limit
    "or|ou|to|ate|hasta|until|till|a_half|out|do_not",
    "menos|minus|less|plus|except|exceto|excepto|salvo|tirando|quase|almost|casi|about|around|approx",
    "aproximadamente|mais_ou_menos|mas_o_menos|more_or_less|por_ai|por_volta|give_or_take|something_like",
    "algo_assim|algo_asi|no_maximo|como_maximo|como_minimo|no_minimo|at_most|at_least|ish",
    # a condition
    "if|se|si|unless|caso|when|quando|cuando|as_long|desde_que|siempre_que|contanto|provided",
    "siempre_y_cuando|assim_que|so_se|so_quando|only_if|only_when|solo_si|seria|era|would_be|would_have",
    # another time
    "antes|antigamente|before|formerly|previously|last_time|used_to",
    # not sure, or no answer at all
    "maybe|perhaps|talvez|quem_sabe|quizas|quiza|tal_vez|depende|it_depends|depends|acaso|not_sure",
    "sei_la|sla|i_dont_know|dont_know|idk|i_guess|i_suppose|acho_que_sim|creo_que_si|test|teste|testing",
    "testando|prueba|probando|ignore|ignora|ignorar",
    # a denial
    "not|no|nao|nope|nah|never|nunca|jamais|jamas|nem|ni|eu_nao|yo_no|i_wouldnt|i_would_not|i_dont|i_cant",
    # a second thought
    "na_verdade|na_real|alias|digo|quis_dizer|quer_dizer|quero_dizer|ou_melhor|melhor_dizendo|errei",
    "ops|desculpa|actually|i_mean|i_meant|sorry|oops|correction|scratch_that|or_rather|rather",
    "on_second_thought|errado|errada|wrong|equivocado|apaga|apague|delete|remove|corrige|corrija|muda|mude",
    "troca|change|cambia|borra",
    "mejor_dicho|en_realidad|quise_decir|quiero_decir|o_sea|perdon|corrijo|corrigindo",
    # only a part of it
    "para|pra|pro|pros|pras|for|al|ao|aos",
)
# "No" that denies no score: in praise with any, in blame with a low one
DENIALS_THAT_PRAISE = Phrases(
    "nao|no|nunca|yo_no|eu_nao tenho|tive|houve|ha|mudaria|trocaria|tengo|tuve|tenemos|hay|hubo|cambiaria",
    "no complaint|complaints|problem|problems|issue|issues",
    "not bad|too_bad",
    "no esta_mal|estuvo_mal|fue_malo",
    "nao foi_ruim|foi_mal|eh_ruim|esta_ruim",
    "never had",
)
DENIALS_THAT_BLAME = Phrases(
    "nao|nunca gostei|recomendo|funciona|funcionou|achei|consegui|recebi|tem|tinha|entendi|chegou|sabem|mais",
    "nao|nunca resolveu|resolveram|resolvem|atenderam|atendem|responderam|respondem|ajudaram|entregaram",
    "no|nunca recomiendo|funciona|funciono|me_gusto|pude|recibi|llego|sirve|tienen|mas",
    "no|nunca resolvieron|contestan|contestaron|responden|respondieron|ayudaron",
    "no one|reply|response|answer|help|support",
    "not happy|satisfied|impressed|good|great|helpful|resolved|fixed|working|clear|easy",
    "never again|got|received|arrived|answered|worked|works",
)
# Anywhere in the comment
TAKEN_BACK = Phrases(
    "kidding|joking|jk|sqn|brincadeira|brincando|brinks|zoeira|zoando|mentira|broma|bromeando|sarcasm|ironia",
    "de_jeito_nenhum|de_forma_alguma|de_modo_algum|de_maneira|de_ninguna|de_ningun",
    "so_que_nao|solo_que_no|ate_parece|yeah_right|as_if|not_really|in_your_dreams|que_nada|i_wish",
    "you_wish|dream_on",
    "claro|obvio|acho|por_supuesto|creo que_nao|que_no",
    "of_course|hell|absolutely|definitely|certainly|i_think not|no",
    "said nobody|no_one|noone",
    "or_maybe|ou_talvez|o_tal_vez|o_quizas|e_meio|y_medio|y_media|and_a_half|ponto_cinco|point_five|e_meia",
    "wrong_number|wrong_person|numero_errado|numero_equivocado|pessoa_errada|by_mistake|my_mistake",
    "por_engano|por_error|sem_querer|sin_querer|desconsidere|desconsidera|desconsiderar|disregard",
    "nevermind|never_mind|deixa_pra_la|esquece|olvidalo|minto|miento|i_lied|no_thanks|no_thank_you",
    "nao_obrigado|nao_obrigada|no_gracias",
)
DENIALS = frozenset(words("not no nao nope nah never nunca jamais jamas"))
NO_COMMENT_ALONE = frozenset(words("sim si yes yeah yep ok okay claro wait espera espere pera perai"))
# Beside a low or a high score these say that the scale was taken the wrong way round
DELIGHT = Phrases(
    "excelente|perfeito|perfeita|otimo|otima|maravilhoso|maravilhosa|adorei|amei|perfecto|perfecta",
    "maravilloso|excellent|perfect|amazing|awesome|fantastic|loved|love|best|brilliant|outstanding",
    "muito_satisfeito|muito_satisfeita|muy_satisfecho|muy_satisfecha|very_satisfied|me_encanto",
    "strongly_agree|concordo_totalmente|totalmente_de_acuerdo|very_easy|muito_facil|muy_facil",
)
DISMAY = Phrases(
    "pessimo|pessima|horrivel|terrivel|pior|lixo|odiei|detestei|ridiculo|vergonha|pesimo|pesima|asco|odio",
    "peor|terrible|horrible|awful|worst|hate|hated|sucks|rubbish|garbage|disgusting|useless",
    "muito_insatisfeito|muito_insatisfeita|muy_insatisfecho|very_dissatisfied|very_unsatisfied|dissatisfied",
    "strongly_disagree|discordo_totalmente|totalmente_en_desacuerdo",
    "very_hard|very_difficult|muito_dificil|muy_dificil",
    "nao_gostei|nao_recomendo|no_recomiendo|no_me_gusto",
)
# What also counts: "8, e meio", "7 - eleven"
OTHER_NUMBERS = words(
    "half meio meia medio media eleven twelve once doce onze doze twenty vinte veinte hundred cem cien "
    "thousand mil"
)
TIME_UNITS = words(
    "s seg segundo segundos second seconds sec secs min mins minuto minutos minute minutes h hs hr hrs "
    "hora horas hour hours dia dias day days semana semanas week weeks mes meses month months ano anos "
    "year years yr yrs noite noites noche noches night nights am pm vez vezes veces times time x"
)
CALENDAR = words(
    "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro january "
    "february march april may june july august september october november december jan feb mar apr jun "
    "jul aug sep sept oct nov dec fev abr mai ago set out dez ene dic enero febrero marzo mayo junio "
    "julio septiembre octubre noviembre diciembre segunda terca quarta quinta sexta sabado domingo "
    "monday tuesday wednesday thursday friday saturday sunday lunes martes miercoles jueves viernes "
    "amanha hoje ontem manha tarde manana hoy ayer today tomorrow tonight yesterday morning evening"
)
COUNTED = words(
    "pessoa pessoas people person persons persona personas cliente clientes customer customers filho "
    "filhos hijo hijos kid kids child children real reais dolar dolares dollar dollars peso pesos euro "
    "euros pounds quid usd brl km m metros kg g gb mb produto produtos product products producto "
    "productos item items itens loja lojas store stores tienda tiendas tentativas attempts tries "
    "intentos ligacoes calls llamadas chamados tickets emails mensagens messages mensajes atendentes "
    "agents agentes unidades units problema problemas problem problems issues erros errores errors "
    "defeito defeitos defecto defectos reclamacao reclamacoes complaints queja quejas parcelas cuotas "
    "andares pisos quartos habitaciones rooms pedidos orders"
)
UNITS = frozenset((*TIME_UNITS, *COUNTED))
MONEY = words("real reais dolar dolares dollar dollars peso pesos euro euros pounds quid bucks")
# With these begins no comment: what stands before them is counted, timed or dated
NO_COMMENT = frozenset(
    (*(NUMBERS.keys() - ARTICLE_LIKE), *OTHER_NUMBERS, *TIME_UNITS, *CALENDAR, *MONEY, *STARS)
)
