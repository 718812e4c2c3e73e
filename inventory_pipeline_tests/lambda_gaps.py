"""Operations of Lambda that moto lacks, answered as for functions that have nothing of the kind.

For tests that make their functions in moto itself; the demo's come from its description.
"""

from moto.awslambda.responses import LambdaResponse
from moto.awslambda.urls import url_paths
from moto.core.responses import ActionResult

CONCURRENCY = 1000
"""Executions at once that AWS grants an account in a region, unless it asks for more."""

_PATHS = (
    r"account-settings/?$",
    r"functions/(?P<function_name>[\w_:%-]+)/urls$",
    r"functions/(?P<function_name>[\w_:%-]+)/provisioned-concurrency$",
)


def get_account_settings(self: LambdaResponse) -> ActionResult:
    functions = list(self.backend.list_functions())
    reserved = sum(int(function.reserved_concurrency or 0) for function in functions)
    code = sum(function.code_size for function in functions)
    return ActionResult(
        {
            "AccountLimit": {
                "TotalCodeSize": 75 * 2**30,
                "ConcurrentExecutions": CONCURRENCY,
                "UnreservedConcurrentExecutions": CONCURRENCY - reserved,
            },
            "AccountUsage": {"FunctionCount": len(functions), "TotalCodeSize": code},
        }
    )


def list_function_url_configs(self: LambdaResponse) -> ActionResult:
    return ActionResult({"FunctionUrlConfigs": []})


def list_provisioned_concurrency_configs(self: LambdaResponse) -> ActionResult:
    return ActionResult({"ProvisionedConcurrencyConfigs": []})


def fill_lambda_gaps() -> None:
    """Teach moto's Lambda these operations, before its application is made; again does nothing."""
    for path in _PATHS:
        url_paths[rf"{{0}}/(?P<api_version>[^/]+)/{path}"] = LambdaResponse.dispatch
    for answer in (
        get_account_settings,
        list_function_url_configs,
        list_provisioned_concurrency_configs,
    ):
        setattr(LambdaResponse, answer.__name__, answer)
