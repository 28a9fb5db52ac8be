from . import controllers, models, server, wizards
