// Starts a server, says where it is, and stays.
import { startQueueServer, type Backend } from '../../helpers/queue-servers.js';

const { url } = await startQueueServer(process.argv[2] as Backend);
process.stdout.write(`${url}\n`);
