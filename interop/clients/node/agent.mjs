// An agent on Elastic's Node client: polls each second, runs what it is offered, refuses what says "refuse-me".
import { AgentCapabilities, createOpAMPClient, RemoteConfigStatuses } from '@elastic/opamp-client-node';

const [endpoint, role] = process.argv.slice(2);
const client = createOpAMPClient({
  endpoint,
  heartbeatIntervalSeconds: 1,
  capabilities:
    AgentCapabilities.AgentCapabilities_AcceptsRemoteConfig | AgentCapabilities.AgentCapabilities_ReportsRemoteConfig,
  onMessage: ({ remoteConfig }) => {
    if (!remoteConfig) return;
    console.log(JSON.stringify({ offer: Buffer.from(remoteConfig.configHash).toString('hex') }));
    const texts = Object.values(remoteConfig.config.configMap).map(({ body }) => Buffer.from(body).toString());
    const refused = texts.some((text) => text.includes('refuse-me'));
    client.setRemoteConfigStatus({
      lastRemoteConfigHash: remoteConfig.configHash,
      status: refused
        ? RemoteConfigStatuses.RemoteConfigStatuses_FAILED
        : RemoteConfigStatuses.RemoteConfigStatuses_APPLIED,
      errorMessage: refused ? 'the Node agent refuses this' : '',
    });
  },
});
client.setAgentDescription({
  identifyingAttributes: { 'service.name': 'node-agent', 'service.instance.id': role },
  nonIdentifyingAttributes: { role },
});
client.start();
// The client's own timers do not keep a process alive.
setInterval(() => {}, 60_000);
