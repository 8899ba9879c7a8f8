"""Who lives in the demonstration and what they say: names, companies, comments. Nobody of them exists."""

from dataclasses import dataclass

from app.domain.metrics import Metric

FIRST_NAMES = {
    "pt-BR": (
        *(
            "Adriana",
            "Aline",
            "Ana Clara",
            "Antônio",
            "Bruna",
            "Caio",
            "Cecília",
            "Cláudia",
            "Daniel",
            "Débora",
        ),
        *(
            "Eduardo",
            "Fábio",
            "Flávia",
            "Gustavo",
            "Heloísa",
            "Igor",
            "Íris",
            "Joana",
            "João Paulo",
            "Juliana",
        ),
        *("Larissa", "Leandro", "Lívia", "Luciana", "Luís", "Márcia", "Mateus", "Mônica", "Nélson", "Otávio"),
        *(
            "Patrícia",
            "Paulo",
            "Priscila",
            "Rafaela",
            "Renato",
            "Rosângela",
            "Sílvia",
            "Tânia",
            "Vanessa",
            "Zé",
        ),
    ),
    "en": (
        *("Alison", "Callum", "Deborah", "Ewan", "Fiona", "Gareth", "Hannah", "Imran", "Jodie", "Keith"),
        *("Laura", "Megan", "Nadia", "Oliver", "Priya", "Rhys", "Sam", "Tessa", "Will", "Zoe"),
    ),
}
LAST_NAMES = {
    "pt-BR": (
        *(
            "Almeida",
            "Andrade",
            "Araújo",
            "Barbosa",
            "Brandão",
            "Câmara",
            "Cardoso",
            "Conceição",
            "Costa",
            "D’Ávila",
        ),
        *(
            "Dias",
            "Fonseca",
            "Freitas",
            "Gonçalves",
            "Lacerda",
            "Machado",
            "Magalhães",
            "Menezes",
            "Moraes",
            "Nóbrega",
        ),
        *(
            "Nunes",
            "Pacheco",
            "Pires",
            "Prado",
            "Queiroz",
            "Ramos",
            "Reis",
            "Sá",
            "Siqueira",
            "Tavares",
            "Vaz",
        ),
    ),
    "en": (
        *("Abbott", "Bell", "Choudhury", "Doyle", "Evans", "Fraser", "Green", "Holt", "Iqbal", "Kerr"),
        *("Lloyd", "Morgan", "Okafor", "Patel", "Reid", "Shaw", "Turner", "Walsh"),
    ),
}
COMPANIES = {
    "pt-BR": (
        *(
            "Clínica Aurora",
            "Odonto Vila Nova",
            "Fisio Pampulha",
            "Laboratório Ipê",
            "Cardio Serra",
            "Pediatria Mar",
        ),
        *(
            "Instituto da Coluna",
            "Clínica Bem-te-vi",
            "Olhos do Cerrado",
            "Derma Jardins",
            "Centro Materno Lua",
        ),
        *("Ortopedia Savassi", "Clínica Santa Tereza", "Psico Horizonte", "Nutri Lagoa", "Vet Amigo Fiel"),
    ),
    "en": ("Northgate Dental", "Harbour Physio", "Elm Street Surgery", "Riverside Vets", "Calder Eye Clinic"),
}
PLANS = ("Essencial", "Profissional", "Rede")

# By the tone of the band. The first ones of each list are read most: the latest answers take them.
CUSTOMERS: dict[str, dict[str, tuple[str, ...]]] = {
    "pt-BR": {
        "up": (
            "A agenda da semana inteira numa tela só mudou o nosso dia.",
            "Atendimento rápido, e quem atende conhece clínica de verdade.",
            "As confirmações automáticas cortaram nossas faltas pela metade.",
            "Simples. Minha secretária aprendeu em uma tarde.",
            "Resolveram em uma mensagem, sem me passar de pessoa em pessoa.",
            "O relatório de convênios me poupa um dia por mês.",
            "Indiquei para duas colegas esta semana.",
        ),
        "flat": (
            "Bom, mas o relatório de faltas podia sair pronto.",
            "Funciona. Só queria exportar a agenda para o meu telefone.",
            "O preço subiu e eu ainda não vi o que melhorou.",
            "Gosto, mas o aplicativo demora para abrir de manhã.",
            "Resolvido, só demorou mais do que eu esperava.",
        ),
        "down": (
            "Abri três chamados sobre o mesmo boleto e cada um recebeu uma resposta diferente.",
            "A integração com o laboratório parou na sexta e ninguém avisou.",
            "Perdi uma manhã de consultas porque o sistema não abria.",
            "Tive de explicar tudo de novo a cada pessoa que me atendeu.",
            "O lembrete foi para o paciente errado. Isso não pode acontecer.",
            "Prometeram retorno em um dia e já são cinco.",
            "Cancelar um horário ainda pede sete cliques.",
        ),
    },
    "en": {
        "up": (
            "Sorted in one message. I did not expect that.",
            "Reception stopped using paper the week we switched.",
            "Whoever answers the phone actually knows how a surgery works.",
            "The reminders alone pay for it.",
        ),
        "flat": (
            "Does the job. The reports could be quicker to read.",
            "Fine, though the mobile view needs work.",
            "Good product, slow invoices.",
        ),
        "down": (
            "Two weeks waiting for somebody to call me back.",
            "The calendar sync doubled our appointments on Monday.",
            "I was passed between three people who each asked the same thing.",
        ),
    },
}
COLLEAGUES = (
    "Gosto do que faço. O que cansa é descobrir a prioridade na sexta.",
    "Pela primeira vez a meta fez sentido para o meu time.",
    "Ask us before you promise dates to customers.",
    "As reuniões de segunda podiam ser um texto.",
    "Minha liderança escuta, e muda coisas por causa do que ouve.",
    "More people on support, please. We are tired.",
    "O plano de carreira ainda é um boato.",
    "Trabalhar de casa três dias me devolveu as manhãs com minha filha.",
    "I recommend us to friends, and two of them joined.",
    "Faltam computadores decentes no atendimento.",
    "Aprendo toda semana. Fico por isso.",
    "Salário abaixo do mercado para quem está há mais de dois anos.",
)
WE_REPLIED = {
    "pt-BR": (
        "Você tem razão, e sinto muito. Conferi o que houve e já corrigimos. Posso ligar hoje às 15h?",
        "Obrigada por contar. Falei com a equipe responsável e volto com uma data até amanhã.",
        "Sinto muito pela espera. O seu caso está comigo agora, do começo ao fim.",
    ),
    "en": (
        "You are right, and I am sorry. I have looked into it and we have put it right. May I call you at 3?",
        "Thank you for telling us. I have it now and will stay with it until it is solved.",
    ),
}
WE_DID = (
    "Liguei, pedi desculpas e mostramos como ver as faltas. Vai testar por duas semanas.",
    "Boleto corrigido e juros devolvidos. Agradeceu a ligação.",
    "Integração refeita com o laboratório; combinamos aviso por telefone se parar de novo.",
    "Explicamos o que houve na sexta e creditamos dois dias.",
    "Trocamos o plano e agendamos um treinamento para a recepção.",
)


@dataclass(frozen=True)
class Scene:
    """Somebody whom the first look should meet: what they said, and how long ago or how late we are."""

    name: str
    company: str
    locale: str
    metric: Metric
    score: int
    comment: str
    minutes_ago: int = 0
    hours_late: float = 0.0  # business hours past the first contact that we promised
    agent: int | None = None  # who has it; none: nobody
    contact_me: bool = False


SCENES = (
    Scene(
        "Tomás Arruda", "Fisio Pampulha", "pt-BR", Metric.NPS, 2,
        "Três semanas esperando a integração com o convênio.", hours_late=5,
    ),
    Scene(
        "Maria Figueiredo", "Clínica Bem-te-vi", "pt-BR", Metric.NPS, 4,
        "A agenda saiu do ar duas vezes na semana passada e ninguém avisou. "
        "Remarquei doze pacientes por telefone.",
        hours_late=2, agent=0,
    ),
    Scene(
        "Helen Marsh", "Northgate Dental", "en", Metric.CES, 1,
        "I had to explain the same invoice problem to four people.", hours_late=0.7, agent=1,
    ),
    Scene(
        "Sílvia Nóbrega", "Odonto Vila Nova", "pt-BR", Metric.NPS, 5,
        "O preço subiu duas vezes este ano e ninguém explicou por quê.", minutes_ago=170,
    ),
    Scene(
        "Gareth Lloyd", "Calder Eye Clinic", "en", Metric.CSAT, 2,
        "Two people promised to call back. Nobody did.", minutes_ago=330, agent=1,
    ),
    Scene(
        "Íris Conceição", "Derma Jardins", "pt-BR", Metric.CES, 2,
        "Para trocar o meu plano precisei de três ligações.", minutes_ago=1_500,
    ),
    Scene(
        "Aline Sakamoto", "Laboratório Ipê", "pt-BR", Metric.NPS, 10,
        "Troquei de sistema com medo e em dois dias a recepção já não queria voltar.", minutes_ago=19,
    ),
    Scene(
        "João Paulo Teixeira", "Odonto Vila Nova", "pt-BR", Metric.NPS, 7,
        "Bom, mas o relatório de faltas podia sair pronto.", minutes_ago=48,
    ),
    Scene(
        "Priya Raman", "Harbour Physio", "en", Metric.CSAT, 5,
        "Sorted in one message. I did not expect that.", minutes_ago=73,
    ),
    Scene(
        "Otávio Prates", "Cardio Serra", "pt-BR", Metric.NPS, 8,
        "Funciona. Só queria a agenda da semana inteira na mesma tela.", minutes_ago=105, contact_me=True,
    ),
)  # fmt: skip
