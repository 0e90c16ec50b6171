"""Holds openapi.yaml to what API Gateway takes and what every route must have. Run by check-template.sh."""

import json
import re
import sys
from pathlib import Path

import yaml

DESCRIPTION = yaml.safe_load((Path(__file__).resolve().parent / "openapi.yaml").read_text())
SCHEMAS = DESCRIPTION["components"]["schemas"]
METHODS = {"get", "post", "put", "patch", "delete"}
ANY = "x-amazon-apigateway-any-method"

# Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
NOT_TAKEN = {"discriminator", "example", "exclusiveMinimum", "exclusiveMaximum", "oneOf", "readOnly"}
RESERVED_PATHS = {"/ping", "/sping"}

# Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html,
# without those of authorizers other than IAM, which answer as the defaults do.
GATEWAY_RESPONSES = {
    "ACCESS_DENIED", "API_CONFIGURATION_ERROR", "BAD_REQUEST_BODY", "BAD_REQUEST_PARAMETERS", "DEFAULT_4XX",
    "DEFAULT_5XX", "EXPIRED_TOKEN", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "INVALID_API_KEY",
    "INVALID_SIGNATURE", "MISSING_AUTHENTICATION_TOKEN", "QUOTA_EXCEEDED", "REQUEST_TOO_LARGE",
    "RESOURCE_NOT_FOUND", "THROTTLED", "UNAUTHORIZED", "UNSUPPORTED_MEDIA_TYPE", "WAF_FILTERED",
}


def operations():
    """Every operation with its name."""
    for path, item in DESCRIPTION["paths"].items():
        for method, operation in item.items():
            yield f"{method} {path}", method, operation


def parts(node, place):
    """Every mapping below a node with its place."""
    if isinstance(node, dict):
        yield place, node
        for key, value in node.items():
            yield from parts(value, f"{place}/{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from parts(value, f"{place}/{number}")


def schemas():
    """Every schema that becomes a model, or part of one."""
    for place, node in parts(DESCRIPTION, "#"):
        for key, value in node.items():
            if key == "schema":
                yield f"{place}/{key}", value
    for name, value in SCHEMAS.items():
        yield f"#/components/schemas/{name}", value


def models_are_of_the_subset():
    """What API Gateway refuses or ignores in a model."""
    for top, schema in schemas():
        for place, part in parts(schema, top):
            is_schema = not place.endswith("/properties")
            yield from (f"{place}: {key} is not taken" for key in sorted(NOT_TAKEN & part.keys()) if is_schema)
            for name in part.get("enum", []) if is_schema else []:
                if not isinstance(name, str):
                    yield f"{place}: {name!r} in a list of names is no text: quote it"
    yield from (f"schema {name}: a model's name is letters and digits" for name in SCHEMAS if not name.isalnum())


def references_lead_somewhere():
    """References within the document, to schemas alone."""
    used = set()
    for place, node in parts(DESCRIPTION, "#"):
        if "$ref" in node:
            name = node["$ref"].removeprefix("#/components/schemas/")
            used.add(name)
            if name not in SCHEMAS:
                yield f"{place}: {node['$ref']} leads nowhere"
            if len(node) > 1:
                yield f"{place}: what stands beside $ref is ignored"
    yield from (f"schema {name} is not used" for name in SCHEMAS.keys() - used)


def paths_are_taken():
    """Characters, parameters, and an answer for every method."""
    for path, item in DESCRIPTION["paths"].items():
        if path in RESERVED_PATHS or not re.fullmatch(r"/|(/([A-Za-z0-9_.,:-]+|{[a-z_]+}|{[a-z]+\+}))+", path):
            yield f"{path}: not a path of API Gateway"
        if ANY not in item:
            yield f"{path}: no answer for another method"
        for method, operation in item.items():
            named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            if method in METHODS and named != set(re.findall(r"{([a-z_]+)}", path)):
                yield f"{method} {path}: its parameters are {sorted(named)}"


def every_call_is_signed_and_answered():
    """IAM authorization, one of the functions, and problems."""
    for name, method, operation in operations():
        if operation.get("security") != [{"sigv4": []}]:
            yield f"{name}: not signed"
        integration = operation["x-amazon-apigateway-integration"]
        uri = integration["uri"]["Fn::Sub"]
        if (integration["type"], integration["httpMethod"]) != ("aws_proxy", "POST"):
            yield f"{name}: not a proxy integration"
        if not re.search(r"functions/\$\{(Poll|Drain)Function\.Arn\}:live/invocations$", uri):
            yield f"{name}: not the live version of a function of ours"
        if integration["timeoutInMillis"] > 29000:
            yield f"{name}: API Gateway waits for 29 s"
        if method not in METHODS:
            continue
        responses = operation["responses"]
        needed = {"400", "401", "403", "429", "500", "503", "504"} | ({"413", "415"} if "requestBody" in operation else set())
        yield from (f"{name}: {status} is not described" for status in sorted(needed - responses.keys()))
        for status, response in responses.items():
            kinds = ["application/json" if status < "400" else "application/problem+json"]
            if list(response["content"]) != kinds:
                yield f"{name}: {status} is answered as {list(response['content'])}"
    scheme = DESCRIPTION["components"]["securitySchemes"]["sigv4"]
    if scheme["x-amazon-apigateway-authtype"] != "awsSigv4":
        yield "the security scheme is not IAM's"


def the_gateway_answers_in_problems():
    """All gateway responses, each a problem of a type that is described, with the status that it has."""
    types = SCHEMAS["Problem"]["properties"]["type"]["enum"]
    given = DESCRIPTION["x-amazon-apigateway-gateway-responses"]
    if given.keys() != GATEWAY_RESPONSES:
        yield f"gateway responses: {sorted(given.keys() ^ GATEWAY_RESPONSES)}"
    for name, response in given.items():
        template = response["responseTemplates"]["application/json"]
        problem = json.loads(template.replace("$context.error.messageString", '"why"'))
        if problem["status"] != response["statusCode"] or problem["type"] not in types or problem.keys() != {"type", "title", "status", "detail"}:
            yield f"{name}: {template}"
        if response["responseParameters"]["gatewayresponse.header.Content-Type"] != "'application/problem+json'":
            yield f"{name}: its content type is no problem's"


def main():
    checks = [
        models_are_of_the_subset, references_lead_somewhere, paths_are_taken, every_call_is_signed_and_answered,
        the_gateway_answers_in_problems,
    ]
    faults = [fault for check in checks for fault in check()]
    for fault in faults:
        print(f"openapi.yaml: {fault}", file=sys.stderr)
    print(f"{len(list(operations()))} operations, {len(SCHEMAS)} schemas: {len(checks)} checks, {len(faults)} faults")
    return 1 if faults else 0


sys.exit(main())
