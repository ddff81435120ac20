from tests.data.fixtures import fleas as fleas
from tests.data.fixtures import write as write
