import { useEffect, useState } from 'preact/hooks';
import { ChatView } from './chat/chat_view';
import { ConversationList } from './chat/conversation_list';
import { SettingsPanel } from './chat/settings_panel';
import { Dashboard } from './dashboard/dashboard';
import { useServices } from './services';
import type { Theme } from './state/settings';
import { useStore } from './state/store';
import { IconButton } from './widgets/buttons';
import { Drawer, useMedia } from './widgets/drawer';
import { Icon, Logo, type IconName } from './widgets/icon';

type Tab = 'chat' | 'dashboard';

const NEXT_THEME: Record<Theme, { theme: Theme; icon: IconName; label: string }> = {
  system: { theme: 'light', icon: 'screen', label: 'Colours: as the system. Change to light' },
  light: { theme: 'dark', icon: 'sun', label: 'Colours: light. Change to dark' },
  dark: { theme: 'system', icon: 'moon', label: 'Colours: dark. Change to the system’s' },
};

/** Sets the colours of the page; whether they are dark. */
function useTheme(theme: Theme): boolean {
  const isSystemDark = useMedia('(prefers-color-scheme: dark)');
  const isDark = theme === 'system' ? isSystemDark : theme === 'dark';
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
  return isDark;
}

/** The tab is a part of the address, so that a reload and a bookmark keep it. */
function useTab(): [Tab, (tab: Tab) => void] {
  const read = (): Tab => (location.hash === '#dashboard' ? 'dashboard' : 'chat');
  const [tab, setTab] = useState(read);
  useEffect(() => {
    const update = () => setTab(read());
    addEventListener('hashchange', update);
    return () => removeEventListener('hashchange', update);
  }, []);
  return [tab, (next) => (location.hash = next)];
}

export function App() {
  const { settings } = useServices();
  const { theme } = useStore(settings);
  const isDark = useTheme(theme);
  const [tab, setTab] = useTab();
  const isWide = useMedia('(min-width: 60rem)');
  const isVeryWide = useMedia('(min-width: 80rem)');
  const [hasList, setHasList] = useState(false);
  const [hasSettings, setHasSettings] = useState(false);
  const isChat = tab === 'chat';
  const { theme: nextTheme, icon, label } = NEXT_THEME[theme];
  return (
    <div class="app">
      <a class="skip" href="#content" onClick={skipToContent}>
        Skip to the content
      </a>
      <header class="header">
        {isChat && !isWide && (
          <IconButton icon="menu" label="Conversations" onClick={() => setHasList(true)} />
        )}
        <span class="brand">
          <Logo />
          <span>quire</span>
        </span>
        <Tabs tab={tab} onSelect={setTab} />
        <div class="header-actions">
          <IconButton
            icon={icon}
            label={label}
            onClick={() => settings.update({ theme: nextTheme })}
          />
          {isChat && (
            <IconButton
              icon="sliders"
              label="Settings"
              isPressed={hasSettings}
              onClick={() => setHasSettings(!hasSettings)}
            />
          )}
        </div>
      </header>
      <div class="body">
        {isChat && (
          <Drawer
            side="left"
            label="Conversations"
            isDocked={isWide}
            isOpen={isWide || hasList}
            onClose={() => setHasList(false)}
          >
            <ConversationList onChosen={() => setHasList(false)} />
          </Drawer>
        )}
        <main id="content" class="content" tabIndex={-1}>
          {isChat ? (
            <ChatView onOpenSettings={() => setHasSettings(true)} />
          ) : (
            <Dashboard isDark={isDark} />
          )}
        </main>
        {isChat && (
          <Drawer
            side="right"
            label="Settings"
            isDocked={isVeryWide}
            isOpen={hasSettings}
            onClose={() => setHasSettings(false)}
          >
            <SettingsPanel onClose={() => setHasSettings(false)} />
          </Drawer>
        )}
      </div>
    </div>
  );
}

/** The address belongs to the tabs, so the link moves the focus itself. */
function skipToContent(event: Event) {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

function Tabs({ tab, onSelect }: { tab: Tab; onSelect: (tab: Tab) => void }) {
  const tabs: { id: Tab; icon: IconName; name: string }[] = [
    { id: 'chat', icon: 'chat', name: 'Chat' },
    { id: 'dashboard', icon: 'dashboard', name: 'Dashboard' },
  ];
  return (
    <nav class="tabs" aria-label="Views">
      {tabs.map(({ id, icon, name }) => (
        <button
          key={id}
          type="button"
          class="tab"
          aria-current={id === tab ? 'page' : undefined}
          onClick={() => onSelect(id)}
        >
          <Icon name={icon} />
          <span>{name}</span>
        </button>
      ))}
    </nav>
  );
}
