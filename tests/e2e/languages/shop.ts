// A program of one's own in TypeScript, with every component of the package. Type-checked by test_typescript.py.
import * as pulumi from "@pulumi/pulumi";
import * as tributary from "@pulumi/tributary";

const first = { id: "111111111111", region: "eu-central-1" };
const second = { id: "222222222222", region: "eu-central-1" };

const lake = new tributary.ExportPipeline("lake", {
    account: first,
    sources: [
        { dynamodb: "orders", create: { hashKey: { name: "customer_id" }, rangeKey: { name: "order_id" } } },
        { rdsInstance: "shop", only: ["shop.products"] },
    ],
    schedule: "cron(0 2 * * ? *)",
    lifecycle: { expireDays: 90 },
});
const landing = {
    account: first,
    bucket: lake.bucket,
    prefix: "raw/",
    tables: ["orders"],
    name: "lake",
};
const role = new tributary.ReplicaRole("role", { account: second, landing });
const replica = new tributary.ReplicaDestination("replica", { account: second, landing, sourceRoleArn: role.roleArn });
new tributary.ReplicaSource("sender", {
    account: second,
    landing,
    roleArn: role.roleArn,
    replicaBucket: replica.bucket,
});
new tributary.BigQueryTransferPipeline("warehouse", {
    account: second,
    gcp: { project: "shop-analytics", location: "EU" },
    landing: { ...landing, account: second, bucket: replica.bucket },
    tables: { orders: { columns: { customer_id: "S", order_id: "S", total: "N" }, keys: ["customer_id", "order_id"] } },
});
new tributary.ZeroEtlPipeline("changes", {
    account: first,
    tables: [{ name: "items", create: { hashKey: { name: "id" } } }],
    collection: { standbyReplicas: false },
});
new tributary.FirehosePipeline("records", { account: first, index: "ticks", stream: { shards: 1 } });

export const bucket: pulumi.Output<string> = lake.bucket;
export const database: pulumi.Output<string | undefined> = lake.database;
