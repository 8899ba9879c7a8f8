"""Good words to begin with: every text of every metric in our three languages.

No sentence leans on the grammar of the workspace's name (its gender, its article), promises what a setting
can switch off, or leads the answer. e-NPS says what every pulse keeps: sealed until it closes, opened
together, no names. From how many answers on results and comments are shown is a term of each pulse, so the
mail and the page say it themselves; a text here could be wrong about it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from app.domain.metrics import Metric
from app.domain.survey_texts import SurveyTexts

_PT: Mapping[Metric, SurveyTexts] = {
    Metric.NPS: SurveyTexts(
        subject="{{ contact.first_name|Olá }}, uma pergunta sobre {{ workspace.name }}",
        greeting="Olá, {{ contact.first_name|tudo bem? }}\n\n"
        "Queremos saber como tem sido a sua experiência com a gente. É uma pergunta só.",
        question="De 0 a 10, qual a chance de você recomendar {{ workspace.name }} a um amigo ou colega?",
        low_label="nenhuma chance",
        high_label="com certeza",
        followup_up="O que faz você nos recomendar?",
        followup_flat="O que faltou para ser um 10?",
        followup_down="O que pesou na sua nota?",
        thanks_up="Recebemos. Que bom ter você com a gente.",
        thanks_flat="Recebemos. Obrigado por contar.",
        thanks_down="Recebemos. Obrigado pela franqueza: é com ela que melhoramos.",
    ),
    Metric.CSAT: SurveyTexts(
        subject="{{ contact.first_name|Olá }}, como foi a sua experiência com {{ workspace.name }}?",
        greeting="Olá, {{ contact.first_name|tudo bem? }}\n\n"
        "Há pouco você esteve em contato com a gente. Queremos saber como foi. É uma pergunta só.",
        question="De 1 a 5, qual é a sua satisfação com a última experiência que teve com a gente?",
        low_label="muito baixa",
        high_label="muito alta",
        followup_up="Do que você mais gostou?",
        followup_flat="O que teria deixado melhor?",
        followup_down="O que deu errado?",
        thanks_up="Recebemos. Que bom que deu certo.",
        thanks_flat="Recebemos. Obrigado por contar.",
        thanks_down="Recebemos. Sentimos muito, e obrigado por contar.",
    ),
    Metric.CES: SurveyTexts(
        subject="{{ contact.first_name|Olá }}, foi fácil resolver com {{ workspace.name }}?",
        greeting="Olá, {{ contact.first_name|tudo bem? }}\n\n"
        "Há pouco você resolveu um assunto com a gente. Queremos saber quanto trabalho deu. "
        "É uma pergunta só.",
        question="De 1 a 7, quanto você concorda com esta frase: "
        "{{ workspace.name }} facilitou a solução do meu problema?",
        low_label="discordo totalmente",
        high_label="concordo totalmente",
        followup_up="O que mais ajudou?",
        followup_flat="O que poderia ter sido mais simples?",
        followup_down="O que deu mais trabalho?",
        thanks_up="Recebemos. Que bom que foi simples.",
        thanks_flat="Recebemos. Obrigado por contar.",
        thanks_down="Recebemos. Sentimos pelo trabalho que deu, e obrigado por contar.",
    ),
    Metric.ENPS: SurveyTexts(
        subject="Como é trabalhar em {{ workspace.name }}? Uma pergunta, sem nomes",
        greeting="Olá, {{ contact.first_name|tudo bem? }}\n\n"
        "Queremos saber como tem sido trabalhar aqui. É uma pergunta só, e leva menos de um minuto.\n\n"
        "As respostas ficam lacradas até a pesquisa fechar. Depois são abertas todas juntas, sem nomes, "
        "e nada guarda quem deu qual resposta. Até lá, o sistema sabe apenas se você já respondeu, "
        "para não lembrar quem não precisa.",
        question="De 0 a 10, qual a chance de você recomendar {{ workspace.name }} "
        "como lugar para trabalhar?",
        low_label="nenhuma chance",
        high_label="com certeza",
        followup_up="O que não deveria mudar por aqui?",
        followup_flat="O que faltou para ser um 10?",
        followup_down="O que mais precisa mudar?",
        thanks_up="Recebemos. Obrigado por contar.",
        thanks_flat="Recebemos. Obrigado por contar.",
        thanks_down="Recebemos. Obrigado por contar.",
    ),
}

_EN: Mapping[Metric, SurveyTexts] = {
    Metric.NPS: SurveyTexts(
        subject="{{ contact.first_name|Hello }}, a question about {{ workspace.name }}",
        greeting="Hello, {{ contact.first_name|there }}.\n\n"
        "We would like to know how things have been for you with us. It is one question.",
        question="From 0 to 10, how likely are you to recommend {{ workspace.name }} "
        "to a friend or colleague?",
        low_label="not at all likely",
        high_label="certainly",
        followup_up="What makes you recommend us?",
        followup_flat="What was missing for a 10?",
        followup_down="What weighed on your score?",
        thanks_up="We have it. It is good to have you with us.",
        thanks_flat="We have it. Thank you for telling us.",
        thanks_down="We have it. Thank you for being frank: it is how we get better.",
    ),
    Metric.CSAT: SurveyTexts(
        subject="{{ contact.first_name|Hello }}, how was it with {{ workspace.name }}?",
        greeting="Hello, {{ contact.first_name|there }}.\n\n"
        "You were in touch with us recently. We would like to know how it went. It is one question.",
        question="From 1 to 5, how satisfied are you with your latest experience with us?",
        low_label="very dissatisfied",
        high_label="very satisfied",
        followup_up="What did you like most?",
        followup_flat="What would have made it better?",
        followup_down="What went wrong?",
        thanks_up="We have it. Good to hear that it went well.",
        thanks_flat="We have it. Thank you for telling us.",
        thanks_down="We have it. We are sorry, and thank you for telling us.",
    ),
    Metric.CES: SurveyTexts(
        subject="{{ contact.first_name|Hello }}, was it easy with {{ workspace.name }}?",
        greeting="Hello, {{ contact.first_name|there }}.\n\n"
        "You recently settled something with us. We would like to know how much work it was. "
        "It is one question.",
        question="From 1 to 7, how much do you agree with this: "
        "{{ workspace.name }} made it easy for me to handle my issue?",
        low_label="strongly disagree",
        high_label="strongly agree",
        followup_up="What helped most?",
        followup_flat="What could have been simpler?",
        followup_down="What took the most effort?",
        thanks_up="We have it. Good to hear that it was simple.",
        thanks_flat="We have it. Thank you for telling us.",
        thanks_down="We have it. We are sorry for the trouble, and thank you for telling us.",
    ),
    Metric.ENPS: SurveyTexts(
        subject="What is it like to work at {{ workspace.name }}? One question, no names",
        greeting="Hello, {{ contact.first_name|there }}.\n\n"
        "We would like to know what it is like to work here. It is one question and takes less than a minute."
        "\n\n"
        "Answers stay sealed until the pulse closes. Then they are opened all together, without names, "
        "and nothing keeps who gave which answer. Until then the system knows only whether you have "
        "answered, so that it reminds nobody needlessly.",
        question="From 0 to 10, how likely are you to recommend {{ workspace.name }} as a place to work?",
        low_label="not at all likely",
        high_label="certainly",
        followup_up="What should not change here?",
        followup_flat="What was missing for a 10?",
        followup_down="What needs to change most?",
        thanks_up="We have it. Thank you for telling us.",
        thanks_flat="We have it. Thank you for telling us.",
        thanks_down="We have it. Thank you for telling us.",
    ),
}

_ES: Mapping[Metric, SurveyTexts] = {
    Metric.NPS: SurveyTexts(
        subject="{{ contact.first_name|Hola }}, una pregunta sobre {{ workspace.name }}",
        greeting="Hola, {{ contact.first_name|¿qué tal? }}\n\n"
        "Queremos saber cómo ha sido tu experiencia con nosotros. Es una sola pregunta.",
        question="De 0 a 10, ¿qué tan probable es que recomiendes {{ workspace.name }} a un amigo o colega?",
        low_label="nada probable",
        high_label="con toda seguridad",
        followup_up="¿Qué te hace recomendarnos?",
        followup_flat="¿Qué faltó para llegar al 10?",
        followup_down="¿Qué pesó en tu nota?",
        thanks_up="Lo recibimos. Qué bueno tenerte con nosotros.",
        thanks_flat="Lo recibimos. Gracias por contarnos.",
        thanks_down="Lo recibimos. Gracias por tu franqueza: con ella mejoramos.",
    ),
    Metric.CSAT: SurveyTexts(
        subject="{{ contact.first_name|Hola }}, ¿cómo fue tu experiencia con {{ workspace.name }}?",
        greeting="Hola, {{ contact.first_name|¿qué tal? }}\n\n"
        "Hace poco estuviste en contacto con nosotros. Queremos saber cómo fue. Es una sola pregunta.",
        question="De 1 a 5, ¿cuál es tu satisfacción con tu última experiencia con nosotros?",
        low_label="muy baja",
        high_label="muy alta",
        followup_up="¿Qué fue lo que más te gustó?",
        followup_flat="¿Qué la habría hecho mejor?",
        followup_down="¿Qué salió mal?",
        thanks_up="Lo recibimos. Qué bueno que todo salió bien.",
        thanks_flat="Lo recibimos. Gracias por contarnos.",
        thanks_down="Lo recibimos. Lo sentimos, y gracias por contarnos.",
    ),
    Metric.CES: SurveyTexts(
        subject="{{ contact.first_name|Hola }}, ¿fue fácil resolverlo con {{ workspace.name }}?",
        greeting="Hola, {{ contact.first_name|¿qué tal? }}\n\n"
        "Hace poco resolviste un asunto con nosotros. Queremos saber cuánto trabajo te dio. "
        "Es una sola pregunta.",
        question="De 1 a 7, ¿cuánto estás de acuerdo con esta frase: "
        "{{ workspace.name }} me facilitó resolver mi problema?",
        low_label="totalmente en desacuerdo",
        high_label="totalmente de acuerdo",
        followup_up="¿Qué fue lo que más ayudó?",
        followup_flat="¿Qué podría haber sido más sencillo?",
        followup_down="¿Qué te dio más trabajo?",
        thanks_up="Lo recibimos. Qué bueno que fue sencillo.",
        thanks_flat="Lo recibimos. Gracias por contarnos.",
        thanks_down="Lo recibimos. Sentimos el trabajo que te dio, y gracias por contarnos.",
    ),
    Metric.ENPS: SurveyTexts(
        subject="¿Cómo es trabajar en {{ workspace.name }}? Una pregunta, sin nombres",
        greeting="Hola, {{ contact.first_name|¿qué tal? }}\n\n"
        "Queremos saber cómo es trabajar aquí. Es una sola pregunta y toma menos de un minuto.\n\n"
        "Las respuestas quedan selladas hasta que la encuesta cierra. Después se abren todas juntas, "
        "sin nombres, y nada guarda quién dio cuál respuesta. Hasta entonces el sistema solo sabe si ya "
        "respondiste, para no recordárselo a quien no hace falta.",
        question="De 0 a 10, ¿qué tan probable es que recomiendes {{ workspace.name }} "
        "como lugar para trabajar?",
        low_label="nada probable",
        high_label="con toda seguridad",
        followup_up="¿Qué no debería cambiar aquí?",
        followup_flat="¿Qué faltó para llegar al 10?",
        followup_down="¿Qué es lo que más necesita cambiar?",
        thanks_up="Lo recibimos. Gracias por contarnos.",
        thanks_flat="Lo recibimos. Gracias por contarnos.",
        thanks_down="Lo recibimos. Gracias por contarnos.",
    ),
}

READY: Mapping[str, Mapping[Metric, SurveyTexts]] = MappingProxyType({"pt-BR": _PT, "en": _EN, "es": _ES})


def ready_texts(metric: Metric, locale: str) -> SurveyTexts:
    """The texts that a new survey of this metric begins with. Another locale than ours: KeyError."""
    return READY[locale][metric]
