import { render } from 'preact';
import { App } from './app';
import { makeServices, ServicesContext } from './services';

const services = makeServices();
void services.server.connect();
render(
  <ServicesContext.Provider value={services}>
    <App />
  </ServicesContext.Provider>,
  document.getElementById('app')!,
);
