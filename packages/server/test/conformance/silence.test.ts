import { AgentCapabilities as Bits } from '@flaghoist/opamp';
import { afterEach, expect, it, vi } from 'vitest';
import { Lab, until } from '../lab.ts';
import { peer } from './peer.ts';

afterEach(() => void vi.restoreAllMocks());

it('hours of silence are no absence over WebSocket, and one over HTTP: S-046, S-155, S-158', async () => {
  const real = performance.now.bind(performance);
  await using lab = await Lab.start();
  const capabilities = Bits.AgentCapabilities_ReportsStatus;
  await using still = await peer(lab, 'websocket', { capabilities });
  await using away = await peer(lab, 'http', { capabilities });
  for (const each of [still, away]) await each.talk(each.agent.start());
  vi.spyOn(performance, 'now').mockImplementation(() => real() + 6 * 3_600_000);
  await until(
    () => lab.detail(away.agent.uid),
    ({ connected }) => !connected,
  );
  expect(await lab.detail(still.agent.uid)).toMatchObject({ connected: true });
  await away.talk(away.agent.report());
  expect(await lab.detail(away.agent.uid)).toMatchObject({ connected: true });
});
