"""What one API operation of Lambda can't say: the functions among a row's steps (each gets a Call) and reshapings."""

import json

from local.plain import is_object

from .aws_rows import Call, Missing, Refused
from .values import Props


def concurrency(call: Call) -> None:
    """Sets the reserved concurrency if it changed; below 0, as Pulumi's -1 for none, deletes the reservation."""
    wanted, name = call.state.get("reservedConcurrentExecutions", -1), call.state["name"]
    if wanted == call.old.get("reservedConcurrentExecutions", -1):
        return
    if wanted < 0:
        call.client.delete_function_concurrency(FunctionName=name)
    else:
        call.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=wanted)


def function_facts(data: Props, state: Props) -> Props:
    """An answer that has the function's ARN, with what Pulumi derives from it: the version's ARN, and each ARN's URI
    for API Gateway. Where nothing is reserved, the concurrency is -1."""
    arn = data.get("FunctionArn") or ""
    if not arn:
        return data
    region = arn.split(":")[3]
    uri = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{{}}/invocations"
    return {"ReservedConcurrentExecutions": -1} | data | {
        "InvokeArn": uri.format(arn), "QualifiedArn": f"{arn}:{data.get('Version', '$LATEST')}",
        "QualifiedInvokeArn": uri.format(f"{arn}:{data.get('Version', '$LATEST')}"),
    }  # fmt: skip


def permission(call: Call) -> Props:
    """The policy statement of this id, its principal and conditions as flat properties; else raises Missing."""
    qualifier = {"Qualifier": call.state["qualifier"]} if call.state.get("qualifier") else {}
    policy = json.loads(call.client.get_policy(FunctionName=call.state["function"], **qualifier)["Policy"])
    for statement in policy["Statement"]:
        if statement["Sid"] == call.state["statementId"]:
            principal, condition = statement["Principal"], statement.get("Condition", {})
            if is_object(principal):
                principal = principal.get("Service") or principal.get("AWS")
            flat = {k.lower(): v for test in condition.values() for k, v in test.items()}
            return {"StatementId": statement["Sid"], "Action": statement["Action"], "Principal": principal,
                    "SourceArn": flat.get("aws:sourcearn"), "SourceAccount": flat.get("aws:sourceaccount")}  # fmt: skip
    raise Missing(call.state["statementId"])


def invoke(call: Call, action: str, previous: str | None) -> Props:
    """One invocation; with lifecycleScope CRUD the payload has the action (the real provider's `tf` key)."""
    state, payload = call.state, json.loads(call.state["input"])
    if state.get("lifecycleScope", "CREATE_ONLY") == "CRUD":
        if not is_object(payload):
            raise Refused("lifecycleScope CRUD needs an input that is a JSON object")
        payload[state.get("terraformKey") or "tf"] = {
            "action": action,
            "prev_input": json.loads(previous) if previous else None,
        }
    answer = call.client.invoke(
        FunctionName=state["functionName"],
        Payload=json.dumps(payload).encode(),
        Qualifier=state.get("qualifier") or "$LATEST",
    )
    body = answer["Payload"].read().decode()
    if answer.get("FunctionError"):
        raise Refused(f"{state['functionName']} failed ({answer['FunctionError']}): {body}")
    return {"result": body, "functionName": state["functionName"]}


def invoke_create(call: Call) -> Props:
    """Invokes the function with the resource's input, as an invocation is made; no input came before."""
    return invoke(call, "create", None)


def invoke_update(call: Call) -> Props:
    """Invokes again if `input` or `triggers` changed, and passes on the input before; otherwise answers nothing."""
    return invoke(call, "update", call.old.get("input")) if call.changed & {"input", "triggers"} else {}


def invoke_delete(call: Call) -> None:
    """Invokes with the action `delete` if the scope is CRUD; otherwise a delete leaves the function alone."""
    if call.state.get("lifecycleScope") == "CRUD":
        invoke(call, "delete", call.state["input"])


def invoked(call: Call) -> Props:
    """An invocation cannot be read back: it is what the state says."""
    return {k: call.state[k] for k in ("result", "functionName") if k in call.state}


def invocation_forces(changed: set[str], inputs: Props) -> set[str]:
    """What replaces an invocation: a changed function or qualifier and, in scope CREATE_ONLY, input or trigger."""
    once = inputs.get("lifecycleScope", "CREATE_ONLY") == "CREATE_ONLY"
    return changed & {"functionName", "qualifier", *(("input", "triggers") if once else ())}
