"""Who reads in OpenSearch Dashboards."""

import json

from tests.unit.pipelines.firehose.recorded import ACCESS, COLLECTION, NAME, granted, role, statements, ticks


def test_a_role_reads_the_index_in_dashboards_for_those_who_are_named() -> None:
    analyst = "arn:aws:iam::111111111111:role/analyst"
    recorded = ticks(dashboards={"assumed_by": [analyst]})
    [trusted] = json.loads(recorded.inputs_of("aws:iam/role:Role", "ticks-dashboards")["assumeRolePolicy"])[
        "Statement"
    ]
    assert (trusted["Principal"], trusted["Action"]) == ({"AWS": [analyst]}, ["sts:AssumeRole"])
    reads = ["aoss:DescribeIndex", "aoss:ReadDocument"]
    assert granted(recorded, "ticks-dashboards") == ([role("dashboards")], {f"index/{NAME}/ticks": reads})
    assert statements(recorded, "ticks-dashboards") == {
        "ReachCollection": {"Effect": "Allow", "Action": ["aoss:APIAccessAll"], "Resource": [COLLECTION]},
        "OpenDashboards": {
            "Effect": "Allow",
            "Action": ["aoss:DashboardsAccessAll"],
            "Resource": ["arn:aws:aoss:eu-central-1:111111111111:dashboards/default"],
        },
    }
    assert recorded.of("aws:iam/user:User") == {}


def test_a_user_with_a_password_is_made_only_where_the_config_asks() -> None:
    recorded = ticks(dashboards={"console_user": True})
    profile = recorded.inputs_of("aws:iam/userLoginProfile:UserLoginProfile", "ticks-dashboards")
    assert profile == {"user": f"{NAME}-dashboards", "passwordLength": 32, "passwordResetRequired": True}
    request = recorded.requests["aws:iam/userLoginProfile:UserLoginProfile::ticks-dashboards"]
    assert list(request.additionalSecretOutputs) == ["password"]
    # Whatever its owner has added, such as an access key, goes with the user.
    assert recorded.inputs_of("aws:iam/user:User", "ticks-dashboards")["forceDestroy"] is True
    user = f"arn:aws:iam:workload:mock:user/{NAME}-dashboards"
    assert granted(recorded, "ticks-dashboards")[0] == [user]
    rights = statements(recorded, "ticks-dashboards", "user")
    assert set(rights) == {"ReachCollection", "OpenDashboards", "ChangeOwnPassword"}
    assert rights["ChangeOwnPassword"]["Resource"] == [f"arn:aws:iam::111111111111:user/{NAME}-dashboards"]
    assert recorded.of("aws:iam/role:Role").keys() == ticks().of("aws:iam/role:Role").keys()


def test_nobody_is_named_and_nobody_reads() -> None:
    recorded = ticks()
    assert set(recorded.of(ACCESS)) == {"ticks-index-ticks", "ticks-delivery"}
    assert recorded.outputs["pipelines"]["ticks"]["reader_role"] is None
