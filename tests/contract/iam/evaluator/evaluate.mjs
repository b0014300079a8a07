// Decides IAM requests: a JSON array of simulations a line on stdin, a JSON array of verdicts a line on stdout. A
// verdict is Allowed, ImplicitlyDenied, ExplicitlyDenied, or {error}: a request that the service could never see
// (no such action, an ARN of another type, a context key that the action doesn't carry) must not count as a denial.
import { createInterface } from 'node:readline'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const none = { identityPolicies: [], serviceControlPolicies: [], resourceControlPolicies: [] }

// It drops kms:EncryptionContext:<key> from every request, so that a condition on it could never hold. A request tag is
// a key with a free last part that it keeps, and that nothing here uses; it is renamed in the policies as well.
const readable = (simulation) =>
  JSON.parse(JSON.stringify(simulation).replaceAll(/"kms:EncryptionContext:/gi, '"aws:RequestTag/'))

async function decide(simulation) {
  const answer = await runSimulation({ ...none, ...readable(simulation) }, {})
  if (answer.resultType === 'error') return { error: JSON.stringify(answer.errors) }
  if (answer.resultType === 'wildcard') return { error: 'the resource holds a *; name one resource' }
  const ignored = answer.result.ignoredContextKeys ?? []
  if (ignored.length) return { error: `${simulation.request.action} carries no ${ignored.join(', ')}` }
  return answer.overallResult
}

for await (const line of createInterface({ input: process.stdin })) {
  const verdicts = []
  for (const simulation of JSON.parse(line)) {
    try {
      verdicts.push(await decide(simulation))
    } catch (error) {
      verdicts.push({ error: String(error) })
    }
  }
  console.log(JSON.stringify(verdicts))
}
