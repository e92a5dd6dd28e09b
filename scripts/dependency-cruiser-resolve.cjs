// Dependency-cruiser reads sources, while package.json's subpaths (#shared/…) lead to the build: this leads back.
const { join } = require('node:path');

const root = join(__dirname, '..');
const folders = ['shared', 'coordinator', 'node-agent', 'cli', 'tests'];

module.exports = {
  resolve: {
    alias: Object.fromEntries(folders.map((folder) => [`#${folder}`, join(root, folder)])),
    extensionAlias: { '.js': ['.ts', '.js'] },
    conditionNames: ['import', 'node', 'require', 'default'],
    exportsFields: ['exports'],
  },
};
