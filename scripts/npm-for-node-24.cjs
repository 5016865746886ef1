// Loaded into npm by setup.mjs. npm silently leaves out optional packages, such as native parts of tools, whose `engines`
// exclude the Node that npm itself runs under; here they are to run under Node 24.
Object.defineProperty(process, 'version', { value: 'v24.15.0' });
