from . import account_move, ir_actions_report
